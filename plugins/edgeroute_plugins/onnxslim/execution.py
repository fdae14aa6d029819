"""Runs an ONNX model on made-up inputs, to see its output shapes and whether a rewrite changed its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime as ort

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.onnxslim import pinning

Arrays = dict[str, Any]

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(uint16)": "uint16",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
}


def execute(model: bytes | str, seed: int = 0, fused: bool = True) -> Arrays:
    """Outputs by name for inputs drawn with `seed`; integer inputs are 0 or 1, so that they can serve as indices.

    `fused` lets onnxruntime fold and fuse, which rounds differently from operators run one by one.
    Raises what onnxruntime raises where the model does not load or run.
    """
    session = _session(model, fused)
    feeds = {i.name: _sample(i.type, i.shape, seed + n) for n, i in enumerate(session.get_inputs())}
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def execute_source(model: Any, seed: int = 0, where: str = "") -> Arrays:
    """Outputs of a user's own model (a proto) whose inputs are pinned; raises ConverterFailed, with the sizes, where it does not run."""
    try:
        return execute(model.SerializeToString(), seed)
    except Exception as error:  # onnxruntime raises its own types, one per status code
        shapes = ", ".join(f"{p.name}:{','.join(map(str, p.dims or ()))}" for p in pinning.ports(model.graph))
        raise ConverterFailed(
            f"onnxruntime cannot run the model with input {shapes}: {error}",
            where=where,
            remedy="check the size: --input-shape NAME:1,3,H,W as the network was trained with",
            code="onnx-does-not-run",
        ) from error


def largest_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """The largest difference of any output, relative to that output's range; infinite where names or shapes differ."""
    if before.keys() != after.keys():
        return float("inf")
    return max((_change(before[name], after[name]) for name in before), default=0.0)


def _session(model: bytes | str, fused: bool) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_BASIC if fused else level.ORT_DISABLE_ALL
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _sample(kind: str, shape: list[Any], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    dtype = np.dtype(_DTYPES.get(kind, "float32"))
    size = [d if isinstance(d, int) and d > 0 else 1 for d in shape]
    if dtype.kind == "f":
        return rng.standard_normal(size).astype(dtype)
    return rng.integers(0, 2, size).astype(dtype)


def _change(before: Any, after: Any) -> float:
    if not isinstance(before, np.ndarray) or not isinstance(after, np.ndarray):
        return 0.0 if type(before) is type(after) else float("inf")
    if before.shape != after.shape or before.dtype != after.dtype:
        return float("inf")
    if before.size == 0 or np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
        return 0.0
    wide: Any = before.astype(np.float64)
    other: Any = after.astype(np.float64)
    finite = np.isfinite(wide) & np.isfinite(other)
    if not np.array_equal(wide[~finite], other[~finite], equal_nan=True):
        return float("inf")
    scale = max(float(np.ptp(wide[finite])), float(np.abs(wide[finite]).max()), 1e-9)
    return float(np.abs(wide - other)[finite].max()) / scale
