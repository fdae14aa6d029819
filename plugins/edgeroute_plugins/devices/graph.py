"""A TFLite model as the rules see it: operators with their tensors, what feeds what, and what each computes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from edgeroute_plugins.tflite.graph import Flow
from edgeroute_plugins.tflite.macs import operator_macs
from edgeroute_plugins.tflite.reader import Model, Operator, Subgraph, TensorData

INT8 = frozenset({"int8", "uint8"})
FLOATS = frozenset({"float32", "float16", "bfloat16", "float64"})
CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
WEIGHTED = frozenset({*CONVOLUTIONS, "FULLY_CONNECTED"})
EDGETPU = "edgetpu-custom-op"
POSTPROCESS = "TFLite_Detection_PostProcess"
ROLES: dict[str, tuple[int, int, int]] = {
    "CONV_2D": (0, 1, 2),
    "DEPTHWISE_CONV_2D": (0, 1, 2),
    "FULLY_CONNECTED": (0, 1, 2),
    "TRANSPOSE_CONV": (2, 1, 3),
}
"""Operator → positions of data, weights and bias."""


class Graph:
    """The main subgraph of a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.main: Subgraph = model.subgraphs[0]
        self.flow = Flow(self.main)
        self.nodes = tuple(Node(self, operator) for operator in self.main.operators)

    @property
    def inputs(self) -> tuple[TensorData, ...]:
        return tuple(self.main.tensors[i] for i in self.main.inputs)

    @property
    def outputs(self) -> tuple[TensorData, ...]:
        return tuple(self.main.tensors[i] for i in self.main.outputs)

    @functools.cached_property
    def macs(self) -> int:
        return sum(node.macs for node in self.nodes)

    @functools.cached_property
    def flowing(self) -> frozenset[int]:
        """Tensors that depend on the graph's inputs; what is computed from constants alone (float16 weights, say) does not."""
        readers = {node for i in self.main.inputs for node in self.flow.consumers.get(i, ())}
        operators = readers | self.flow.downstream(readers)
        return frozenset(self.main.inputs) | {t for i in operators for t in self.main.operators[i].outputs if t >= 0}

    def is_activation(self, tensor: TensorData) -> bool:
        return tensor.index in self.flowing

    def producer(self, tensor: TensorData) -> Node | None:
        index = self.flow.producer.get(tensor.index)
        return None if index is None else self.nodes[index]

    def consumers(self, tensor: TensorData) -> tuple[Node, ...]:
        return tuple(self.nodes[i] for i in self.flow.consumers.get(tensor.index, ()))

    def share(self, nodes: Iterator[Node] | tuple[Node, ...]) -> float:
        """Part of the model (0..1) that these operators are: of its MACs, or of its operators where nothing multiplies."""
        chosen = tuple(nodes)
        if self.macs:
            return sum(node.macs for node in chosen) / self.macs
        return len(chosen) / max(1, len(self.nodes))


@dataclass(frozen=True, eq=False)
class Node:
    """An operator with its tensors at hand."""

    graph: Graph
    operator: Operator

    @property
    def index(self) -> int:
        return self.operator.index

    @property
    def name(self) -> str:
        return self.operator.name

    @property
    def where(self) -> str:
        return f"{self.operator.label}#{self.index}"

    @functools.cached_property
    def macs(self) -> int:
        return operator_macs(self.graph.main, self.operator)

    @functools.cached_property
    def inputs(self) -> tuple[TensorData | None, ...]:
        """Operands by position; None for an optional one that is absent."""
        return tuple(self.graph.main.tensors[i] if i >= 0 else None for i in self.operator.inputs)

    @functools.cached_property
    def outputs(self) -> tuple[TensorData, ...]:
        return tuple(self.graph.main.tensors[i] for i in self.operator.outputs if i >= 0)

    def input(self, position: int) -> TensorData | None:
        return self.inputs[position] if position < len(self.inputs) else None

    @functools.cached_property
    def data(self) -> tuple[TensorData, ...]:
        """Operands that flow."""
        return tuple(t for t in self.inputs if t is not None and self.graph.is_activation(t))

    @functools.cached_property
    def constants(self) -> tuple[TensorData, ...]:
        return tuple(t for t in self.inputs if t is not None and not self.graph.is_activation(t) and not t.is_variable)

    @property
    def touched(self) -> tuple[TensorData, ...]:
        """Operands and results that flow."""
        return (*self.data, *(t for t in self.outputs if self.graph.is_activation(t)))

    @property
    def x(self) -> TensorData | None:
        """The data operand: by its role for convolutions, otherwise the first that flows."""
        if self.name in ROLES:
            return self.input(ROLES[self.name][0])
        return self.data[0] if self.data else self.input(0)

    @property
    def y(self) -> TensorData | None:
        return self.outputs[0] if self.outputs else None

    @property
    def weights(self) -> TensorData | None:
        return self.input(ROLES[self.name][1]) if self.name in ROLES else None

    @property
    def bias(self) -> TensorData | None:
        return self.input(ROLES[self.name][2]) if self.name in ROLES else None

    def number(self, option: str, default: int = 0) -> int:
        value = self.operator.options.get(option, default)
        return int(value) if isinstance(value, (int, float)) else default

    def text(self, option: str, default: str = "") -> str:
        value = self.operator.options.get(option, default)
        return value if isinstance(value, str) else default

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of a convolution's kernel or a pool; (0, 0) for others."""
        if self.name in CONVOLUTIONS and self.weights is not None and len(self.weights.shape) == 4:
            return self.weights.shape[1], self.weights.shape[2]
        return self.number("filter_height"), self.number("filter_width")

    @property
    def strides(self) -> tuple[int, int]:
        return self.number("stride_h", 1), self.number("stride_w", 1)

    @property
    def dilation(self) -> tuple[int, int]:
        return self.number("dilation_h_factor", 1), self.number("dilation_w_factor", 1)

    @property
    def activation(self) -> str:
        return self.text("fused_activation", "NONE")

    @property
    def is_integer(self) -> bool:
        """Whether everything that flows through it is int8 or uint8."""
        return bool(self.touched) and all(t.dtype in INT8 for t in self.touched)


def elements(tensor: TensorData) -> int:
    return prod(tensor.shape)


def integers(tensor: TensorData | None) -> tuple[int, ...] | None:
    """The values of an int32 or int64 constant; None where it is no such constant."""
    if tensor is None or not tensor.is_constant or tensor.dtype not in ("int32", "int64"):
        return None
    width = 4 if tensor.dtype == "int32" else 8
    raw = bytes(tensor.data[:4096])
    return tuple(int.from_bytes(raw[i : i + width], "little", signed=True) for i in range(0, len(raw) - width + 1, width))


def axes(tensor: TensorData | None, rank: int) -> tuple[int, ...] | None:
    """The axes in a constant, counted from the front; None where it is no constant."""
    values = integers(tensor)
    return None if values is None else tuple(sorted({v + rank if v < 0 else v for v in values}))


def matters(shape: tuple[int, ...]) -> int:
    """How many dimensions are greater than 1."""
    return sum(d > 1 for d in shape)
