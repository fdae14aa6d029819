"""Reads every inner tensor of a TFLite file after a run: without delegates, since those keep theirs to themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgeroute.errors import SourceError
from edgeroute.types import Layer, Tensor, Trace
from edgeroute_plugins.tflite.facts import border_order, facts_of
from edgeroute_plugins.tflite.reader import TensorData, read

THREADS = 2


class TfliteTrace:
    """An interpreter that preserves all tensors of the main subgraph; keys are tensor indices as text."""

    def __init__(self, model: Path) -> None:
        parsed = read(model)
        self._tensors = parsed.subgraphs[0].tensors
        self._feeds, fetches = border_order(parsed)
        self.inputs: Sequence[Tensor] = facts_of(parsed, 0).inputs
        self.outputs: Sequence[str] = [str(i) for i in fetches]
        operators = [o for o in parsed.subgraphs[0].operators if o.outputs]
        self.layers: Sequence[Layer] = [Layer(self.label(str(o.outputs[0])), o.label, _keys(o.inputs), _keys(o.outputs)) for o in operators]
        self._interpreter = Interpreter(
            model_path=os.fspath(model),
            num_threads=THREADS,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()

    def run(self, arrays: Sequence[Any]) -> None:
        for index, array in zip(self._feeds, arrays, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()

    def value(self, key: str) -> Any | None:
        tensor = self._tensors[int(key)]
        try:
            values = self._interpreter.get_tensor(int(key))
        except ValueError:
            return None
        return dequantized(values, tensor)

    def is_constant(self, key: str) -> bool:
        return self._tensors[int(key)].is_constant

    def shape(self, key: str) -> tuple[int, ...]:
        return self._tensors[int(key)].shape

    def label(self, key: str) -> str:
        return tidy(self._tensors[int(key)].name)


def load(model: Path) -> Trace:
    """Open a file for tracing; raises SourceError where the runtime refuses it."""
    try:
        return TfliteTrace(model)
    except (ValueError, RuntimeError) as error:
        raise SourceError(
            f"the runtime refuses {model.name}: {' '.join(str(error).split())[:300]}",
            where=str(model),
            remedy="a file that does not load has no layers to compare; convert it again with another converter",
            code="tflite-does-not-load",
        ) from error


def dequantized(values: Any, tensor: TensorData) -> Any:
    """Real numbers: `(q - zero_point) * scale`, along the quantized dimension where there is a scale per channel."""
    if not tensor.scale or values.dtype.kind not in "iu":
        return values
    scale, zero = np.array(tensor.scale, np.float32), np.array(tensor.zero_point or (0,), np.float32)
    if scale.size > 1:
        shape = [1] * values.ndim
        shape[tensor.axis] = scale.size
        scale, zero = scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero
    return (values.astype(np.float32) - zero) * scale


def tidy(name: str) -> str:
    """A tensor's name as the source had it: onnx2tf writes `wa/` for a leading slash and says what it did behind it."""
    first = name.split(";")[0]
    plain = re.sub(r"^wa/", "/", first)
    return re.sub(r"(_output)?(_nhwc)?$", "", plain) or first


def _keys(indices: Sequence[int]) -> tuple[str, ...]:
    return tuple(str(i) for i in indices if i >= 0)
