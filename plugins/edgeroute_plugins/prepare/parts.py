"""A part of a tensor computed by itself: a slice along one axis, pushed towards the inputs until it costs nothing.

Pushing stops at concatenations (one operand is chosen), at convolutions (only the wanted output channels are kept) and at splits; what lies
between (transpositions, reshapes, element-wise operators) is repeated on the part. Exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import onnx

from edgeroute_plugins.prepare import linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, attribute, make

UNARY = frozenset(
    {"Sigmoid", "Relu", "LeakyRelu", "Tanh", "Exp", "HardSigmoid", "HardSwish", "Clip", "Identity", "Abs", "Neg", "Sqrt", "Elu"}
)
BINARY = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"})


@dataclass
class Parts:
    """Slices of a graph's tensors, each made once."""

    graph: Graph
    shapes: dict[str, tuple[int, ...]]
    made: dict[tuple[str, int, int, int], str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph) -> Parts:
        return cls(graph, dict(graph.shapes))

    def boundaries(self, name: str, axis: int) -> set[int]:
        """Where along an axis a tensor was joined from parts of different origin (0 and the length excluded)."""
        node, shapes = self.graph.producer(name), self.shapes
        if node is None or name not in shapes or any(n not in shapes for n in node.input if n):
            return set()
        if node.op_type == "Concat":
            return self._joints(node, axis)
        if node.op_type == "Transpose":
            return self.boundaries(node.input[0], _permutation(node, len(shapes[name]))[axis])
        if node.op_type in ("Reshape", "Squeeze", "Unsqueeze", "Flatten"):
            inner = _same_axis(shapes[name], shapes[node.input[0]], axis)
            return set() if inner is None else self.boundaries(node.input[0], inner)
        if node.op_type in UNARY:
            return self.boundaries(node.input[0], axis)
        if node.op_type in BINARY:
            found: set[int] = set()
            for operand in node.input:
                inner = axis - len(shapes[name]) + len(shapes[operand])
                if operand not in self.graph.constants and inner >= 0 and shapes[operand][inner] == shapes[name][axis]:
                    found |= self.boundaries(operand, inner)
            return found
        return set()

    def part(self, name: str, axis: int, begin: int, end: int) -> str | None:
        """A tensor that equals `name[begin:end]` along an axis; None where making it would take a slice operator."""
        key = (name, axis, begin, end)
        if key not in self.made:
            self.made[key] = self._make(name, axis, begin, end)
        return self.made[key]

    def _joints(self, node: Node, axis: int) -> set[int]:
        along = int(attribute(node, "axis")) % len(self.shapes[node.output[0]])
        found: set[int] = set()
        start = 0
        for operand in node.input:
            inner = self.boundaries(operand, axis)
            found |= {start + b for b in inner} if along == axis else inner
            if along == axis:
                start += self.shapes[operand][axis]
                found.add(start)
        return found - {self.shapes[node.output[0]][axis]}

    def _make(self, name: str, axis: int, begin: int, end: int) -> str | None:
        shape = self.shapes.get(name)
        if shape is None:
            return None
        if (begin, end) == (0, shape[axis]):
            return name
        if name in self.graph.constants:
            index = tuple(slice(begin, end) if i == axis else slice(None) for i in range(len(shape)))
            return self._constant(self.graph.constants[name][index])
        node = self.graph.producer(name)
        if node is None:
            return None
        op = node.op_type
        if op == "Concat":
            return self._from_concat(node, axis, begin, end)
        if op == "Split":
            return self._from_split(node, name, axis, begin, end)
        if op == "Transpose":
            inner = _permutation(node, len(shape))[axis]
            return self._repeat(node, [self.part(node.input[0], inner, begin, end)], axis, end - begin)
        if op in ("Reshape", "Flatten", "Squeeze", "Unsqueeze"):
            return self._from_reshape(node, axis, begin, end)
        if op == "Conv" and axis == 1 and linear.is_linear(self.graph, node) and linear.groups(node) == 1:
            return self._from_conv(node, begin, end)
        if op in UNARY or (op == "Softmax" and int(attribute(node, "axis", -1)) % len(shape) != axis):
            return self._repeat(node, [self.part(node.input[0], axis, begin, end), *node.input[1:]], axis, end - begin)
        if op in BINARY:
            return self._repeat(node, [self._operand(name, n, axis, begin, end) for n in node.input], axis, end - begin)
        return None

    def _operand(self, result: str, operand: str, axis: int, begin: int, end: int) -> str | None:
        """The matching part of a broadcast operand."""
        shape = self.shapes.get(operand)
        if shape is None:
            return None
        inner = axis - len(self.shapes[result]) + len(shape)
        return operand if inner < 0 or shape[inner] == 1 else self.part(operand, inner, begin, end)

    def _from_concat(self, node: Node, axis: int, begin: int, end: int) -> str | None:
        along = int(attribute(node, "axis")) % len(self.shapes[node.output[0]])
        if along != axis:
            return self._repeat(node, [self.part(n, axis, begin, end) for n in node.input], axis, end - begin)
        pieces: list[str | None] = []
        start = 0
        for operand in node.input:
            stop = start + self.shapes[operand][axis]
            if start < end and begin < stop:
                pieces.append(self.part(operand, axis, max(begin - start, 0), min(end, stop) - start))
            start = stop
        return pieces[0] if len(pieces) == 1 else self._repeat(node, pieces, axis, end - begin)

    def _from_split(self, node: Node, name: str, axis: int, begin: int, end: int) -> str | None:
        if int(attribute(node, "axis", 0)) % len(self.shapes[name]) != axis:
            return None
        offset = sum(self.shapes[o][axis] for o in list(node.output)[: list(node.output).index(name)])
        return self.part(node.input[0], axis, offset + begin, offset + end)

    def _from_reshape(self, node: Node, axis: int, begin: int, end: int) -> str | None:
        result, source = self.shapes[node.output[0]], self.shapes.get(node.input[0])
        inner = None if source is None else _same_axis(result, source, axis)
        piece = None if inner is None else self.part(node.input[0], inner, begin, end)
        if piece is None:
            return None
        shape = [end - begin if i == axis else d for i, d in enumerate(result)]
        name = self.graph.name(f"{node.output[0]}_part")
        self._insert(make("Reshape", [piece, self._constant(np.array(shape, np.int64))], [name]), tuple(shape))
        return name

    def _from_conv(self, node: Node, begin: int, end: int) -> str:
        copy = _copy(node, self.graph.name(f"{node.output[0]}_part"))
        copy.input[1] = self._constant(self.graph.constants[node.input[1]][begin:end])
        if linear.has_bias(node):
            copy.input[2] = self._constant(self.graph.constants[node.input[2]][begin:end])
        shape = self.shapes[node.output[0]]
        self._insert(copy, (shape[0], end - begin, *shape[2:]))
        return str(copy.output[0])

    def _repeat(self, node: Node, operands: list[str | None], axis: int, length: int) -> str | None:
        """The same operator on parts; None when an operand has none."""
        if any(o is None for o in operands):
            return None
        copy = _copy(node, self.graph.name(f"{node.output[0]}_part"))
        copy.input[:] = operands
        self._insert(copy, tuple(length if i == axis else d for i, d in enumerate(self.shapes[node.output[0]])))
        return str(copy.output[0])

    def _insert(self, node: Node, shape: tuple[int, ...]) -> None:
        """Place a node behind all of its operands."""
        places = [self.graph.nodes.index(p) for p in (self.graph.producer(n) for n in node.input) if p is not None]
        self.graph.nodes.insert(max(places, default=-1) + 1, node)
        self.shapes[node.output[0]] = shape
        self.graph.changed()

    def _constant(self, value: Array) -> str:
        name = self.graph.add_constant("part", value)
        self.shapes[name] = np.shape(value)
        return name


def _copy(node: Node, result: str) -> Node:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.output[:] = [result]
    copy.name = f"{node.op_type}:{result}"
    return copy


def _permutation(node: Node, rank: int) -> list[int]:
    return [int(a) for a in attribute(node, "perm", list(range(rank))[::-1])]


def _same_axis(result: tuple[int, ...], source: tuple[int, ...], axis: int) -> int | None:
    """The source's axis that a reshape leaves as the result's `axis`, if it does."""
    before = math.prod(result[:axis])
    for inner, length in enumerate(source):
        if length == result[axis] and math.prod(source[:inner]) == before:
            return inner
    return None
