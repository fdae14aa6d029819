"""Running a file on samples and looking at tensors inside it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from edgeroute_plugins.refine.network import Array
from edgeroute_plugins.tflite import editing


@cache
def interpreter_class() -> Any:
    """LiteRT's interpreter, or TensorFlow's in an environment that has only that."""
    if importlib.util.find_spec("ai_edge_litert") is not None:
        return importlib.import_module("ai_edge_litert.interpreter").Interpreter
    return importlib.import_module("tensorflow.lite.python.interpreter").Interpreter


def probe(blob: bytes, tensors: Sequence[int]) -> bytes:
    """The file with these tensors as its outputs, so that runtimes keep them and still use their fast kernels."""
    model = editing.parse(blob)
    model.subgraphs[0].outputs = np.array(list(dict.fromkeys(tensors)), np.int32)
    model.signatureDefs = []
    return bytes(editing.serialize(model))


class Session:
    """A file opened in LiteRT that answers real numbers for a choice of its tensors."""

    def __init__(self, blob: bytes, tensors: Sequence[int] | None = None, threads: int = 2) -> None:
        self.tensors = list(tensors) if tensors is not None else None
        content = blob if tensors is None else probe(blob, tensors)
        self._interpreter = interpreter_class()(model_content=content, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()

    def run(self, rows: Sequence[Array]) -> list[Array]:
        """One inference on real-valued inputs; results dequantized, float32, in the order asked for."""
        for detail, row in zip(self._inputs, rows, strict=True):
            self._interpreter.set_tensor(detail["index"], quantized(row, detail))
        self._interpreter.invoke()
        values = {d["index"]: dequantized(self._interpreter.get_tensor(d["index"]), d) for d in self._outputs}
        return [values[t] for t in self.tensors] if self.tensors is not None else [values[d["index"]] for d in self._outputs]


def quantized(value: Array, detail: Mapping[str, Any]) -> Array:
    """A real array in the type of an input."""
    scale, zero = detail["quantization"]
    kind = np.dtype(detail["dtype"])
    if kind.kind not in "iu" or not scale:
        return np.ascontiguousarray(value, dtype=kind)
    limits = np.iinfo(kind)
    return np.clip(np.round(value / scale + zero), limits.min, limits.max).astype(kind)


def dequantized(value: Array, detail: Mapping[str, Any]) -> Array:
    """An output as real numbers."""
    scale, zero = detail["quantization"]
    return (value.astype(np.float32) - zero) * np.float32(scale) if scale and value.dtype.kind in "iu" else value.astype(np.float32)


def watch(blob: bytes, tensors: Sequence[int], rows: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """Per sample, the real values of these tensors."""
    session = Session(blob, tensors)
    return [session.run(row) for row in rows]
