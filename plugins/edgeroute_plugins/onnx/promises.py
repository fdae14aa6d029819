"""What an ONNX file must still hold to deserve the name `onnx-static`."""

from __future__ import annotations

from edgeroute.types import Facts, Tensor


def static(facts: Facts) -> list[str]:
    """Every dimension of every input and output is fixed, and an image comes alone (batch 1)."""
    broken = [f"{t.name} has the open shape {_shape(t)}" for t in (*facts.inputs, *facts.outputs) if not t.is_static]
    broken += [f"{name} has no known shape" for name in facts.details.get("unknown_shapes", [])]
    return broken + [f"{t.name} has the batch size {t.shape[0]}, not 1" for t in facts.inputs if t.layout and t.shape[0] not in (1, None)]


def _shape(tensor: Tensor) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in tensor.shape) + "]"
