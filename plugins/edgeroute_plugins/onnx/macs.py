"""Multiply-accumulates of ONNX nodes, as far as the file states the shapes: convolutions, matrix products, recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from edgeroute_plugins.onnx.proto import Dimension, Graph, Node

PASSING = frozenset({"Identity", "Cast", "QuantizeLinear", "DequantizeLinear"})
"""Nodes whose first output has their first input's shape."""


class Unknown(Exception):
    """A shape that is needed is not in the file."""


class Shapes:
    """The shapes that a graph states; an open batch (the first dimension) counts as 1."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._writer = {name: node for node in graph.nodes for name in node.outputs}

    def of(self, name: str) -> tuple[int, ...]:
        for _ in range(8):
            if name in self._graph.initializers:
                return self._graph.initializers[name].shape
            value = self._graph.values.get(name)
            if value is not None and value.shape is not None:
                return _closed(value.shape)
            writer = self._writer.get(name)
            if writer is None or not writer.inputs or writer.op_type not in PASSING:
                raise Unknown(name)
            name = writer.inputs[0]
        raise Unknown(name)


def _closed(shape: tuple[Dimension, ...]) -> tuple[int, ...]:
    sizes = [1 if position == 0 and not (isinstance(d, int) and d > 0) else d for position, d in enumerate(shape)]
    if not all(isinstance(d, int) and d >= 0 for d in sizes):
        raise Unknown("an open dimension")
    return tuple(d for d in sizes if isinstance(d, int))


def graph_macs(graph: Graph) -> int | None:
    """Multiply-accumulates of one run of the main graph; None where a shape that is needed is unknown."""
    shapes = Shapes(graph)
    try:
        return sum(node_macs(shapes, node) for node in graph.nodes)
    except Unknown:
        return None


def node_macs(shapes: Shapes, node: Node) -> int:
    """Of one node; 0 for those that multiply nothing, `Unknown` where a shape is missing."""
    count = _COUNTS.get(node.op_type)
    try:
        return count(shapes, node) if count else 0
    except IndexError as error:
        raise Unknown(node.name) from error


def _convolution(weights: int) -> Callable[[Shapes, Node], int]:
    """Weights [out, in of one group, *kernel]."""
    return lambda shapes, node: prod(shapes.of(node.outputs[0])) * prod(shapes.of(node.inputs[weights])[1:])


def _transposed(shapes: Shapes, node: Node) -> int:
    """Weights [in, out of one group, *kernel]."""
    return prod(shapes.of(node.inputs[0])) * prod(shapes.of(node.inputs[1])[1:])


def _product(shapes: Shapes, node: Node) -> int:
    """[…, rows, inner] times [inner, columns]."""
    return prod(shapes.of(node.outputs[0])) * shapes.of(node.inputs[0])[-1]


def _gemm(shapes: Shapes, node: Node) -> int:
    transposed = node.attributes.get("transA")
    inner = shapes.of(node.inputs[0])[0 if transposed and transposed.i else 1]
    return prod(shapes.of(node.outputs[0])) * inner


def _recurrent(shapes: Shapes, node: Node) -> int:
    """Data [steps, batch, in] (or batch first), weights W [directions, gates·hidden, in] and R [directions, gates·hidden, hidden]."""
    steps = prod(shapes.of(node.inputs[0])[:2])
    return steps * (prod(shapes.of(node.inputs[1])) + prod(shapes.of(node.inputs[2])))


_COUNTS: dict[str, Callable[[Shapes, Node], int]] = {
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "QLinearConv": _convolution(3),
    "ConvTranspose": _transposed,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearMatMul": _product,
    "Gemm": _gemm,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
}
