"""What the real tests do inside the environment `runtime`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError


def answers(model: str) -> dict[str, Any]:
    """Two runs on the same data in one session, and one in another; a refusal as its code and words."""
    import numpy as np

    from edgeroute_plugins.tflite.run import load

    try:
        session = load(Path(model))
    except SourceError as error:
        return {"code": error.code, "message": error.message, "remedy": error.remedy}
    rng = np.random.default_rng(0)
    arrays = [(rng.random([d or 1 for d in t.shape]) * (1 if "float" in t.dtype else 100)).astype(t.dtype) for t in session.inputs]
    first, second, other = session.run(arrays), session.run(arrays), load(Path(model)).run(arrays)
    return {
        "inputs": [t.name for t in session.inputs],
        "outputs": [[t.name, list(a.shape), str(a.dtype)] for t, a in zip(session.outputs, first, strict=True)],
        "values": [a.astype(float).ravel().tolist() for a in first],
        "given": [a.astype(float).ravel().tolist() for a in arrays],
        "repeats": all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(first, second, other, strict=True)),
    }


def batch(model: str, count: int) -> list[list[int]]:
    """The shapes of the outputs for a batch of `count`, then for one of 1."""
    import numpy as np

    from edgeroute_plugins.tflite.run import load

    session = load(Path(model))
    return [list(session.run([np.zeros((n, 8, 8, 3), np.float32)])[0].shape) for n in (count, 1)]


def refusal(model: str) -> dict[str, Any]:
    """What is said of a file that only the reference kernels take: here, the default delegate is made to refuse."""
    from edgeroute_plugins.tflite import run

    def picky(path: Path, resolver: Any) -> Any:
        if resolver == run.OpResolverType.AUTO:
            raise RuntimeError("failed to prepare")
        return allocated(path, resolver)

    allocated, run._allocated = run._allocated, picky
    return answers(model)


def legalized(model: str) -> dict[str, Any]:
    """What a quantizer's first step did to a float file: its count, and operators and answers before and after."""
    from edgeroute_plugins.tflite import editing, reader
    from edgeroute_plugins.tflite.legalize import legalize

    changed = Path(model).with_suffix(".changed.tflite")
    tree = editing.load(Path(model))
    done = legalize(tree)
    editing.save(tree, changed)
    files = {"before": model, "after": str(changed)}
    names = {what: [o.name for o in reader.read(Path(file)).subgraphs[0].operators] for what, file in files.items()}
    return {"done": done, "operators": names, **{what: answers(file)["values"] for what, file in files.items()}}
