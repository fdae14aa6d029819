"""Doubles become floats: TFLite has no kernels for float64, and an exporter's stray double reaches every tensor behind it. Needs onnx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper


def narrow_doubles(graph: Any) -> int:
    """Turn every float64 of the graph, its branches and loop bodies into float32; returns how many places were changed."""
    changed = sum(_narrow(tensor) for tensor in (*graph.initializer, *_constants(graph)))
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == TensorProto.DOUBLE:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
            changed += 1
    for attribute in (a for node in graph.node for a in node.attribute):
        if attribute.name in ("to", "dtype") and attribute.i == TensorProto.DOUBLE:
            attribute.i = TensorProto.FLOAT
            changed += 1
        if attribute.HasField("g"):
            changed += narrow_doubles(attribute.g)
    return changed


def _constants(graph: Any) -> Iterator[Any]:
    return (a.t for node in graph.node for a in node.attribute if a.HasField("t"))


def _narrow(tensor: Any) -> bool:
    if tensor.data_type != TensorProto.DOUBLE:
        return False
    values = numpy_helper.to_array(tensor)
    most = np.finfo(np.float32).max
    tensor.CopyFrom(
        numpy_helper.from_array(np.where(np.isfinite(values), np.clip(values, -most, most), values).astype(np.float32), tensor.name)
    )
    return True
