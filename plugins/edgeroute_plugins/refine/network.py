"""A TFLite file as operators and tensors, float or int8, held as the object tree of `edgeroute_plugins.tflite.editing`."""

from __future__ import annotations

import collections
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from edgeroute_plugins.tflite import editing

Array: TypeAlias = Any
"""`numpy.ndarray`."""

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"})
SQUASHING = frozenset({"LOGISTIC", "SOFTMAX"})
"""Final operators in front of which outputs are compared: behind them small errors drown or grow."""


@dataclass(frozen=True)
class Operator:
    """One operator; tensors by index, absent operands are -1."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    fused: str
    """Fused activation: NONE, RELU, RELU6, …"""

    @property
    def data(self) -> int:
        """The activation that it reads first; of a transposed convolution the third operand."""
        return self.inputs[2] if self.name == "TRANSPOSE_CONV" else self.inputs[0]


@dataclass(frozen=True)
class Layer:
    """A convolution or dense layer with constant weights."""

    operator: Operator
    weights: int
    bias: int
    """-1 where there is none."""

    @property
    def source(self) -> int:
        return self.operator.data

    @property
    def result(self) -> int:
        return self.operator.outputs[0]

    @property
    def axis(self) -> int:
        """Axis of the output channels in the weights."""
        return 3 if self.operator.name == "DEPTHWISE_CONV_2D" else 0


@dataclass
class Network:
    """The first subgraph of a file."""

    model: Any
    owned: set[int] = field(default_factory=set)
    """Constants that have a buffer of their own by now: files share buffers of equal content."""

    @classmethod
    def parse(cls, blob: bytes) -> Network:
        return cls(editing.parse(blob))

    @property
    def graph(self) -> Any:
        return self.model.subgraphs[0]

    @property
    def inputs(self) -> list[int]:
        return [int(i) for i in self.graph.inputs]

    @property
    def outputs(self) -> list[int]:
        return [int(i) for i in self.graph.outputs]

    @cached_property
    def operators(self) -> list[Operator]:
        schema = editing.schema()
        codes = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
        fusions = {v: k for k, v in vars(schema.ActivationFunctionType).items() if isinstance(v, int)}
        found = []
        for index, operator in enumerate(self.graph.operators):
            fused = fusions[int(getattr(operator.builtinOptions, "fusedActivationFunction", 0) or 0)]
            inputs, outputs = tuple(editing.wired(operator.inputs)), tuple(editing.wired(operator.outputs))
            found.append(Operator(index, codes[editing.builtin(self.model, operator)], inputs, outputs, fused))
        return found

    @cached_property
    def producers(self) -> dict[int, Operator]:
        return {tensor: operator for operator in self.operators for tensor in operator.outputs}

    @cached_property
    def consumers(self) -> dict[int, list[Operator]]:
        found: dict[int, list[Operator]] = collections.defaultdict(list)
        for operator in self.operators:
            for tensor in dict.fromkeys(operator.inputs):
                found[tensor].append(operator)
        return found

    @cached_property
    def layers(self) -> list[Layer]:
        """In the order of execution."""
        found = []
        for operator in self.operators:
            if operator.name in CONVOLUTIONS and self.constant(operator.inputs[1]) is not None:
                bias = 3 if operator.name == "TRANSPOSE_CONV" else 2
                found.append(Layer(operator, operator.inputs[1], operator.inputs[bias] if len(operator.inputs) > bias else -1))
        return found

    def is_constant(self, tensor: int) -> bool:
        return tensor >= 0 and tensor not in self.producers and tensor not in self.inputs

    def constant(self, tensor: int) -> Array:
        """A constant's stored values, or None."""
        return editing.constant(self.model, self.graph.tensors[tensor]) if self.is_constant(tensor) else None

    def store(self, tensor: int, values: Array) -> None:
        """Give a constant tensor new values in a buffer of its own, in the type that it has."""
        data = np.frombuffer(np.ascontiguousarray(values).tobytes(), dtype=np.uint8)
        if tensor not in self.owned:
            if sum(t.buffer == self.graph.tensors[tensor].buffer for t in self.graph.tensors) > 1:
                self.model.buffers.append(editing.schema().BufferT())
                self.graph.tensors[tensor].buffer = len(self.model.buffers) - 1
            self.owned.add(tensor)
        self.model.buffers[self.graph.tensors[tensor].buffer].data = data

    def shape(self, tensor: int) -> tuple[int, ...]:
        return editing.shape(self.graph.tensors[tensor])

    def scales(self, tensor: int) -> Array:
        """Scales as float64, length 1 or the number of channels; empty where the tensor is not quantized."""
        quantization = self.graph.tensors[tensor].quantization
        found = None if quantization is None else quantization.scale
        return np.zeros(0) if found is None else np.asarray(found, np.float64)

    def zero(self, tensor: int) -> int:
        points = self.graph.tensors[tensor].quantization.zeroPoint
        return int(points[0]) if points is not None and len(points) else 0

    def real(self, tensor: int) -> Array:
        """A constant as real numbers (float64): dequantized where it is quantized; None where it is not constant."""
        values = self.constant(tensor)
        if values is None:
            return None
        scales = self.scales(tensor)
        if not scales.size:
            return values.astype(np.float64)
        if scales.size == 1:
            return (values.astype(np.float64) - self.zero(tensor)) * scales[0]
        axis = int(self.graph.tensors[tensor].quantization.quantizedDimension or 0)
        shape = [1] * values.ndim
        shape[axis] = -1
        return values.astype(np.float64) * scales.reshape(shape)

    def obstacle(self) -> str:
        """Why the network cannot be executed piece by piece on one sample after the other; empty when it can."""
        if len(self.model.subgraphs) > 1:
            return "it has more than one graph"
        if any(t.isVariable for t in self.graph.tensors) or any(not o.inputs or not o.outputs for o in self.operators):
            return "it keeps a state from one inference to the next"
        return ""

    def logits(self) -> list[int]:
        """Per output the tensor in front of its last sigmoid or softmax and of border conversions, or the output's own."""
        found = []
        for tensor in self.outputs:
            tensor = self._behind(tensor, frozenset({"QUANTIZE", "DEQUANTIZE"}))
            maker = self.producers.get(tensor)
            found.append(
                self._behind(maker.inputs[0], frozenset({"QUANTIZE"})) if maker is not None and maker.name in SQUASHING else tensor
            )
        return found

    def to_bytes(self) -> bytes:
        return bytes(editing.serialize(self.model))

    def _behind(self, tensor: int, names: frozenset[str]) -> int:
        while (maker := self.producers.get(tensor)) is not None and maker.name in names:
            tensor = maker.inputs[0]
        return tensor
