"""Runs TFLite files in ai-edge-litert, with the delegate that it uses by default."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgeroute.errors import SourceError
from edgeroute.types import Session, Tensor
from edgeroute_plugins.tflite.facts import border_order, facts_of
from edgeroute_plugins.tflite.joins import joins
from edgeroute_plugins.tflite.reader import Model, read

THREADS = 2
KNOWN_CUSTOM = frozenset({"TFLite_Detection_PostProcess", "Mfcc", "AudioSpectrogram", "NumericVerify"})
"""Custom operators that the interpreter registers itself."""
_REFUSALS = (ValueError, RuntimeError)
"""What the interpreter raises when it cannot build or allocate a graph."""


class LiteRtSession:
    """An allocated interpreter; arrays go in and come out in the order of the file's facts."""

    def __init__(self, interpreter: Any, model: Model) -> None:
        facts = facts_of(model, 0)
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[Tensor] = facts.outputs
        self.joined = joins(model)
        """Parts that a concat put into one output."""
        self._interpreter = interpreter
        self._feeds, self._fetches = border_order(model)
        self._is_stateful = any(t.is_variable for s in model.subgraphs for t in s.tensors)

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference from a fresh state; open dimensions take the size of the array that is given."""
        self._resize(arrays)
        if self._is_stateful:
            self._interpreter.reset_all_variables()
        for index, array in zip(self._feeds, arrays, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._fetches]

    def _resize(self, arrays: Sequence[Any]) -> None:
        shapes = {d["index"]: tuple(int(n) for n in d["shape"]) for d in self._interpreter.get_input_details()}
        changed = False
        for index, tensor, array in zip(self._feeds, self.inputs, arrays, strict=True):
            if not tensor.is_static and shapes[index] != array.shape:
                self._interpreter.resize_tensor_input(index, array.shape)
                changed = True
        if changed:
            self._interpreter.allocate_tensors()


def load(model: Path) -> Session:
    """Open and allocate a file; `SourceError` tells whether the reference kernels would take what the delegate refuses."""
    parsed = read(model)
    try:
        return LiteRtSession(_allocated(model, OpResolverType.AUTO), parsed)
    except _REFUSALS as error:
        raise _refused(model, parsed, error) from error


def _allocated(model: Path, resolver: OpResolverType) -> Any:
    interpreter = Interpreter(model_path=os.fspath(model), experimental_op_resolver_type=resolver, num_threads=THREADS)
    interpreter.allocate_tensors()
    return interpreter


def _refused(model: Path, parsed: Model, error: Exception) -> SourceError:
    reason = " ".join(str(error).split())[:300]
    foreign = sorted({o.label for s in parsed.subgraphs for o in s.operators if o.name == "CUSTOM"} - KNOWN_CUSTOM)
    if foreign:
        message = f"{model.name} needs operators that the runtime does not have: {', '.join(foreign)}"
        remedy = (
            "cut them off before converting (post-processing belongs in the application), or convert without TensorFlow's own operators"
        )
        return SourceError(message, where=str(model), remedy=remedy, code="tflite-unresolved-operator")
    if _loads_with_reference_kernels(model):
        message = f"{model.name} loads with reference kernels only; the default delegate refuses it: {reason}"
        remedy = (
            "its quantization parameters are inconsistent, so an accelerator would refuse it too: quantize again with another converter"
        )
        return SourceError(message, where=str(model), remedy=remedy, code="tflite-delegate-refuses")
    remedy = "every kernel refuses it: convert the model again with another converter, and report the file to the one that wrote it"
    return SourceError(f"the interpreter refuses {model.name}: {reason}", where=str(model), remedy=remedy, code="tflite-does-not-load")


def _loads_with_reference_kernels(model: Path) -> bool:
    try:
        _allocated(model, OpResolverType.BUILTIN_REF)
    except _REFUSALS:
        return False
    return True
