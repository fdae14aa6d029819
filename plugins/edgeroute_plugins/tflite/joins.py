"""Which outputs of a file are joined from parts: boxes and scores that a concat put under one scale, for example."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from edgeroute.types import Json
from edgeroute_plugins.tflite.facts import border_order
from edgeroute_plugins.tflite.graph import Flow
from edgeroute_plugins.tflite.reader import Model, Operator, Subgraph

ELEMENTWISE = frozenset(
    {"QUANTIZE", "DEQUANTIZE", "CAST", "LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "HARD_SWISH", "EXP"}
)
MOST_STEPS = 8


def joins(model: Model) -> list[Json]:
    """For every output that ends in a concat: `{"output": position, "axis": …, "sizes": […]}` in the file's own axes."""
    graph = model.subgraphs[0]
    flow = Flow(graph)
    found = []
    for position, index in enumerate(border_order(model)[1]):
        join = _join(graph, flow, index)
        if join is not None:
            found.append({"output": position, "axis": join[0], "sizes": join[1]})
    return found


def _join(graph: Subgraph, flow: Flow, tensor: int) -> tuple[int, list[int]] | None:
    """Axis and sizes of the concat behind a tensor, seen through what works on single elements and through transpositions."""
    rank = len(graph.tensors[tensor].shape)
    order = list(range(rank))
    """order[i]: which axis of the tensor at hand the output's axis i is."""
    for _ in range(MOST_STEPS):
        if tensor not in flow.producer:
            return None
        operator = graph.operators[flow.producer[tensor]]
        if operator.name == "CONCATENATION":
            found = _parts(graph, operator)
            return (order.index(found[0]), found[1]) if found else None
        if operator.name == "TRANSPOSE":
            turn = _permutation(graph, operator)
            if sorted(turn) != list(range(rank)):
                return None
            order = [turn[i] for i in order]
        elif operator.name not in ELEMENTWISE:
            return None
        tensor = operator.inputs[0]
    return None


def _parts(graph: Subgraph, operator: Operator) -> tuple[int, list[int]] | None:
    """The axis along which the inputs' sizes add up to the result's."""
    whole = graph.tensors[operator.outputs[0]].shape
    shapes = [graph.tensors[i].shape for i in operator.inputs if i >= 0]
    if len(shapes) < 2 or any(len(s) != len(whole) for s in shapes):
        return None
    for axis, size in enumerate(whole):
        if sum(s[axis] for s in shapes) == size and all(_but(s, axis) == _but(whole, axis) for s in shapes):
            return axis, [s[axis] for s in shapes]
    return None


def _permutation(graph: Subgraph, operator: Operator) -> list[int]:
    """A transposition's constant, empty where it is none."""
    data = bytes(graph.tensors[operator.inputs[1]].data) if len(operator.inputs) > 1 and operator.inputs[1] >= 0 else b""
    return [value for (value,) in struct.iter_unpack("<i", data)] if len(data) % 4 == 0 else []


def _but(shape: Sequence[int], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])
