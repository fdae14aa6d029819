"""What the real tests run inside the environments: a runner's session on seeded inputs that do not depend on the layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeroute.resolve import resolve_function


def answers(runner: str, model: str, seed: int) -> dict[str, Any]:
    """Names, shapes and values of the inputs and outputs; pictures are the same whether a file takes NCHW or NHWC."""
    session = resolve_function(runner)(Path(model))
    arrays = [picture_or_not([d or 1 for d in t.shape], seed).astype(t.dtype) for t in session.inputs]
    results = session.run(arrays)
    return {
        "inputs": {t.name: list(a.shape) for t, a in zip(session.inputs, arrays, strict=True)},
        "outputs": {t.name: r.astype(float).tolist() for t, r in zip(session.outputs, results, strict=True)},
        "dtypes": [t.dtype for t in session.inputs],
    }


def picture_or_not(shape: list[int], seed: int) -> Any:
    """Uniform random numbers; for 4-D shapes with few channels drawn as NCHW and turned where the channels come last."""
    import numpy as np

    rng = np.random.default_rng(seed)
    if len(shape) == 4 and shape[3] <= 4 < shape[1]:
        return np.ascontiguousarray(rng.random((shape[0], shape[3], *shape[1:3]), dtype=np.float32).transpose(0, 2, 3, 1))
    return rng.random(shape, dtype=np.float32)
