"""Removes transpositions to channels-first and back that bracket operators which do not care about the layout.

onnx2tf follows a channels-last tensor through many operators, but falls back to channels-first around some of them
(a Split, a Maximum with a constant, …). A transposition is moved behind every such operator until it meets its inverse.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgeroute_plugins.tflite import editing

TO_FIRST = (0, 3, 1, 2)
TO_LAST = (0, 2, 3, 1)

UNARY = [
    "RELU",
    "RELU6",
    "RELU_0_TO_1",
    "RELU_N1_TO_1",
    "LEAKY_RELU",
    "LOGISTIC",
    "TANH",
    "HARD_SWISH",
    "ABS",
    "EXP",
    "LOG",
    "SQRT",
    "RSQRT",
    "SQUARE",
    "NEG",
    "ELU",
    "GELU",
    "FLOOR",
    "SIN",
    "COS",
]
BINARY = ["ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "PRELU"]
PADS = ("PAD", "PADV2", "MIRROR_PAD")
REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")


def sink_transposes(model: Any) -> int:
    """Rewrite the main graph with fewer transpositions; returns how many went, and changes nothing where none would."""
    graph = model.subgraphs[0]
    kept = list(graph.operators), len(graph.tensors), len(model.buffers), len(model.operatorCodes)
    before = _count(model, graph.operators)
    if before < 2:
        return 0
    graph.operators = _Sinking(model).rewritten()
    removed = before - _count(model, graph.operators)
    if removed <= 0:
        graph.operators = kept[0]
        del graph.tensors[kept[1] :], model.buffers[kept[2] :], model.operatorCodes[kept[3] :]
        return 0
    return removed


class _Sinking:
    """One pass over the operators in their order."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.graph = model.subgraphs[0]
        self.last: dict[int, int] = {}
        """Channels-first tensor → the channels-last tensor that it was made from."""
        self.same: dict[int, int] = {}
        """Tensor that is no longer made → the tensor that it equals."""
        self.axes = -1
        self.done: list[Any] = []
        self.movers = _movers(model)

    def rewritten(self) -> list[Any]:
        """The operators, transpositions that nobody reads left out."""
        for original in self.graph.operators:
            operator = copy.copy(original)
            operator.inputs = np.array([self.same.get(int(i), int(i)) for i in original.inputs], dtype=np.int32)
            if not self._meets_inverse(operator) and not self._moved(operator):
                self._note(operator)
                self.done.append(operator)
        return _without_dead(self.model, self.graph, self.done)

    def _order(self, operator: Any) -> tuple[int, ...]:
        if editing.builtin(self.model, operator) != editing.schema().BuiltinOperator.TRANSPOSE:
            return ()
        order = editing.constant(self.model, self.graph.tensors[operator.inputs[1]])
        return () if order is None else tuple(int(a) for a in order)

    def _note(self, operator: Any) -> None:
        if self._order(operator) == TO_FIRST:
            self.last[int(operator.outputs[0])] = int(operator.inputs[0])
            self.axes = int(operator.inputs[1])

    def _meets_inverse(self, operator: Any) -> bool:
        source, result = int(operator.inputs[0]), int(operator.outputs[0])
        if self._order(operator) != TO_LAST or source not in self.last or result in self.graph.outputs:
            return False
        self.same[result] = self.last[source]
        return True

    def _moved(self, operator: Any) -> bool:
        mover = self.movers.get(editing.builtin(self.model, operator))
        if mover is None or not any(int(i) in self.last for i in operator.inputs):
            return False
        turned = copy.copy(operator)
        turned.builtinOptions = copy.copy(operator.builtinOptions)
        if not mover(self, turned):
            return False
        turned.outputs = np.array([self._turned_tensor(int(o)) for o in operator.outputs], dtype=np.int32)
        self.done.append(turned)
        for new, old in zip(turned.outputs, operator.outputs, strict=True):
            self.done.append(self._transposition(int(new), int(old)))
            self.last[int(old)] = int(new)
        return True

    def _turned_tensor(self, index: int) -> int:
        tensor = self.graph.tensors[index]
        size = [editing.shape(tensor)[a] for a in TO_LAST]
        return editing.add_tensor(self.graph, f"{editing.text(tensor.name)}_channels_last", size, tensor.type)

    def _transposition(self, source: int, result: int) -> Any:
        operator = editing.schema().OperatorT()
        operator.opcodeIndex = editing.add_code(self.model, "TRANSPOSE")
        operator.inputs, operator.outputs = np.array([source, self.axes], dtype=np.int32), np.array([result], dtype=np.int32)
        operator.builtinOptionsType = editing.schema().BuiltinOptions.TransposeOptions
        operator.builtinOptions = editing.schema().TransposeOptionsT()
        return operator

    def values(self, index: int) -> Any:
        return editing.constant(self.model, self.graph.tensors[index])

    def integers(self, index: int, name: str, values: Any) -> int:
        base = editing.text(self.graph.tensors[index].name)
        return editing.add_constant(self.model, self.graph, f"{base}_{name}", np.asarray(values, dtype=np.int32))

    def operand(self, index: int) -> int | None:
        """The channels-last form of an operand: of a moved tensor, or of a constant that is broadcast."""
        if index in self.last:
            return self.last[index]
        values = self.values(index)
        if values is None or values.dtype != np.float32 or values.ndim > 4:
            return None
        if values.size == 1:
            return index
        wide = values.reshape((1,) * (4 - values.ndim) + values.shape).transpose(TO_LAST)
        return editing.add_constant(self.model, self.graph, f"{editing.text(self.graph.tensors[index].name)}_channels_last", wide)


def _unary(sinking: _Sinking, operator: Any) -> bool:
    operator.inputs = np.array([sinking.last[int(operator.inputs[0])]], dtype=np.int32)
    return True


def _elementwise(sinking: _Sinking, operator: Any) -> bool:
    return _set(operator, [sinking.operand(int(i)) for i in operator.inputs])


def _concatenation(sinking: _Sinking, operator: Any) -> bool:
    operator.builtinOptions.axis = TO_FIRST[operator.builtinOptions.axis % 4]
    return _set(operator, [sinking.last.get(int(i)) for i in operator.inputs])


def _split(sinking: _Sinking, operator: Any) -> bool:
    axis = sinking.values(int(operator.inputs[0]))
    if axis is None:
        return False
    moved = sinking.integers(int(operator.inputs[0]), "channels_last", TO_FIRST[int(axis.reshape(-1)[0]) % 4])
    return _set(operator, [moved, sinking.last.get(int(operator.inputs[1]))])


def _slice(sinking: _Sinking, operator: Any) -> bool:
    return _set(operator, [sinking.last.get(int(operator.inputs[0])), *(_permuted(sinking, int(i)) for i in operator.inputs[1:])])


def _strided_slice(sinking: _Sinking, operator: Any) -> bool:
    options = operator.builtinOptions
    if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask:
        return False
    options.beginMask, options.endMask = _bits(options.beginMask), _bits(options.endMask)
    return _slice(sinking, operator)


def _pad(sinking: _Sinking, operator: Any) -> bool:
    inputs = [sinking.last.get(int(operator.inputs[0])), _permuted(sinking, int(operator.inputs[1])), *map(int, operator.inputs[2:])]
    return _set(operator, inputs)


def _reduction(sinking: _Sinking, operator: Any) -> bool:
    axes = sinking.values(int(operator.inputs[1]))
    if axes is None or not operator.builtinOptions.keepDims:
        return False
    moved = sinking.integers(int(operator.inputs[1]), "channels_last", sorted(TO_FIRST[int(a) % 4] for a in axes.reshape(-1)))
    return _set(operator, [sinking.last.get(int(operator.inputs[0])), moved])


def _permuted(sinking: _Sinking, index: int) -> int | None:
    """A constant with one row per axis, in the order of the channels-last axes."""
    values = sinking.values(index)
    if values is None or len(values) != 4 or values.dtype != np.int32:
        return None
    return sinking.integers(index, "channels_last", values[list(TO_LAST)])


def _bits(mask: int) -> int:
    return sum(1 << place for place, axis in enumerate(TO_LAST) if mask >> axis & 1)


def _set(operator: Any, inputs: Sequence[int | None]) -> bool:
    if any(i is None for i in inputs):
        return False
    operator.inputs = np.array(inputs, dtype=np.int32)
    return True


def _movers(model: Any) -> dict[int, Callable[[_Sinking, Any], bool]]:
    table: dict[str, Callable[[_Sinking, Any], bool]] = dict.fromkeys(UNARY, _unary) | dict.fromkeys(BINARY, _elementwise)
    table |= dict.fromkeys(PADS, _pad) | dict.fromkeys(REDUCTIONS, _reduction)
    table |= {"CONCATENATION": _concatenation, "SPLIT": _split, "SLICE": _slice, "STRIDED_SLICE": _strided_slice}
    codes = editing.schema().BuiltinOperator
    return {getattr(codes, name): mover for name, mover in table.items() if hasattr(codes, name)}


def _count(model: Any, operators: Sequence[Any]) -> int:
    return sum(editing.builtin(model, o) == editing.schema().BuiltinOperator.TRANSPOSE for o in operators)


def _without_dead(model: Any, graph: Any, operators: Sequence[Any]) -> list[Any]:
    """Leave out what nobody reads, last to first."""
    read = {int(i) for i in graph.outputs}
    kept = []
    for operator in reversed(operators):
        if any(int(o) in read for o in operator.outputs):
            read.update(int(i) for i in operator.inputs)
            kept.append(operator)
    return kept[::-1]
