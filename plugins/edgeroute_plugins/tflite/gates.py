"""Spells RELU_0_TO_1, which came with TFLite 2.10 and stands in no accelerator's table, as `relu6(6x) / 6`. Needs numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeroute_plugins.tflite import editing

SIX = 6.0


def spell_unit_clips(model: Any) -> int:
    """A hard sigmoid's clip by RELU6, the activation that every device fuses; the factor goes into the constants before it, if it can."""
    count = 0
    for graph, operator in editing.operators(model, "RELU_0_TO_1"):
        tensor = graph.tensors[operator.inputs[0]]
        if tensor.type != editing.schema().TensorType.FLOAT32:
            continue
        gate = _folded(model, graph, int(operator.inputs[0])) or _multiplied(model, graph, operator)
        _become_product(model, graph, operator, gate, 1 / SIX)
        count += 1
    return count


def _folded(model: Any, graph: Any, index: int) -> int | None:
    """Turn `a·x + b`, which nobody else reads, into `relu6(6a·x + 6b)`; answers its tensor, or None where it is something else."""
    total = _with_constant(model, graph, index, "ADD")
    product = _with_constant(model, graph, int(total.inputs[1 - _place(model, graph, total)]), "MUL") if total is not None else None
    if total is None or product is None:
        return None
    for operator in (total, product):
        place = _place(model, graph, operator)
        operands = [int(i) for i in operator.inputs]
        values = editing.constant(model, graph.tensors[operands[place]])
        operands[place] = editing.add_constant(model, graph, _name(graph, operator, "times_six"), np.float32(SIX) * values)
        operator.inputs = np.array(operands, dtype=np.int32)
    total.builtinOptions.fusedActivationFunction = editing.schema().ActivationFunctionType.RELU6
    return index


def _with_constant(model: Any, graph: Any, index: int, name: str) -> Any:
    """The builtin that computes a tensor, where it has a constant operand, no activation, and one reader."""
    none = editing.schema().ActivationFunctionType.NONE
    for _, operator in editing.operators(model, name):
        if index in operator.outputs and operator in graph.operators:
            plain = getattr(operator.builtinOptions, "fusedActivationFunction", none) == none
            alone = index not in graph.outputs and sum(index in o.inputs for o in graph.operators) == 1
            return operator if plain and alone and _place(model, graph, operator) >= 0 else None
    return None


def _place(model: Any, graph: Any, operator: Any) -> int:
    """Which of two operands is constant; -1 for none, or both."""
    constant = [editing.constant(model, graph.tensors[i]) is not None for i in operator.inputs]
    return constant.index(True) if sum(constant) == 1 and len(constant) == 2 else -1


def _multiplied(model: Any, graph: Any, operator: Any) -> int:
    """`relu6(6x)` as an operator of its own in front; answers its tensor."""
    source = graph.tensors[operator.inputs[0]]
    gate = editing.add_tensor(graph, _name(graph, operator, "gate"), editing.shape(source), source.type)
    before = editing.add_operator(model, graph, "MUL", [operator.inputs[0]], [gate])
    _become_product(model, graph, before, int(operator.inputs[0]), SIX)
    before.builtinOptions.fusedActivationFunction = editing.schema().ActivationFunctionType.RELU6
    graph.operators.remove(before)
    graph.operators.insert(graph.operators.index(operator), before)
    return gate


def _become_product(model: Any, graph: Any, operator: Any, source: int, factor: float) -> None:
    """Make the operator `source · factor`, with the output that it has."""
    constant = editing.add_constant(model, graph, _name(graph, operator, "factor"), np.float32([factor]))
    operator.opcodeIndex = editing.add_code(model, "MUL")
    operator.inputs = np.array([source, constant], dtype=np.int32)
    operator.builtinOptionsType = editing.schema().BuiltinOptions.MulOptions
    operator.builtinOptions = editing.schema().MulOptionsT()


def _name(graph: Any, operator: Any, what: str) -> str:
    return f"{editing.text(graph.tensors[operator.outputs[0]].name)}_{what}"
