"""An int8 file whose scales, weights and biases can be changed consistently.

Activations that must share a scale (concatenations, pools, reshapes, …) form groups and change together. A bias is kept as a real number
and written as int32 in units of input scale times weight scale, whatever these become.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass, field

import numpy as np

from edgeroute_plugins.refine.network import Array, Layer, Network

SHARING = frozenset(
    {
        "CONCATENATION", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "MAX_POOL_2D", "AVERAGE_POOL_2D", "PAD", "PADV2", "MIRROR_PAD",
        "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "MAXIMUM", "MINIMUM", "GATHER", "GATHER_ND",
        "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "PACK", "UNPACK", "TILE", "BROADCAST_TO", "SELECT", "SELECT_V2", "REVERSE_V2", "REDUCE_MAX", "REDUCE_MIN",
        "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "DYNAMIC_UPDATE_SLICE",
    }
)  # fmt: skip
"""Operators whose operands and results have one scale; a constant among them freezes the group."""
FIXED = frozenset({"LOGISTIC", "SOFTMAX", "TANH", "LOG_SOFTMAX", "L2_NORMALIZATION"})
"""Operators whose result's scale is the runtime's choice."""
LOW, HIGH = -128, 127


@dataclass
class Editable:
    """A quantized network under change."""

    network: Network
    biases: dict[int, Array] = field(default_factory=dict)
    """Bias per layer's result tensor, in real numbers."""

    @classmethod
    def parse(cls, blob: bytes) -> Editable:
        network = Network.parse(blob)
        found = cls(network)
        for layer in network.layers:
            if layer.bias >= 0 and network.is_constant(layer.bias):
                found.biases[layer.result] = network.constant(layer.bias).astype(np.float64) * found.bias_scale(layer)
        return found

    def bias_scale(self, layer: Layer) -> Array:
        """Units of the int32 bias: one, or one per channel."""
        return self.network.scales(layer.source)[0] * self.network.scales(layer.weights)

    def groups(self) -> list[tuple[int, ...]]:
        """Activations that share a scale and may change it; inputs, outputs and fixed ones are left out."""
        network = self.network
        parents: dict[int, int] = {}

        def find(item: int) -> int:
            while parents.setdefault(item, item) != item:
                item = parents[item]
            return item

        frozen = {*network.inputs, *network.outputs}
        for operator in network.operators:
            variables = [t for t in (*operator.inputs, *operator.outputs) if self._is_activation(t)]
            if operator.name in SHARING:
                for tensor in variables[1:]:
                    parents[find(tensor)] = find(variables[0])
                if any(network.is_constant(t) and network.scales(t).size for t in operator.inputs):
                    frozen.update(variables)
            if operator.name in FIXED:
                frozen.update(operator.outputs)
            if operator.name in ("QUANTIZE", "DEQUANTIZE") and (
                operator.inputs[0] in network.inputs or operator.outputs[0] in network.outputs
            ):
                frozen.update(operator.inputs + operator.outputs)
        members: dict[int, list[int]] = collections.defaultdict(list)
        for tensor in dict.fromkeys(t for o in network.operators for t in o.outputs if self._is_activation(t)):
            members[find(tensor)].append(tensor)
        return [tuple(group) for group in members.values() if not frozen & set(group)]

    def range_of(self, tensor: int) -> tuple[float, float]:
        """Real numbers that the lowest and the highest step stand for."""
        scale, zero = self.network.scales(tensor)[0], self.network.zero(tensor)
        return float((LOW - zero) * scale), float((HIGH - zero) * scale)

    def set_range(self, group: tuple[int, ...], low: float, high: float) -> None:
        """Give a group of int8 activations this range; zero is kept exact."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / (HIGH - LOW), 1e-9)
        zero = int(np.clip(np.round(LOW - low / scale), LOW, HIGH))
        for tensor in group:
            quantization = self.network.graph.tensors[tensor].quantization
            quantization.scale, quantization.zeroPoint = np.array([scale], np.float32), np.array([zero], np.int64)

    def quantized_weights(self, layer: Layer) -> Array:
        """Stored integers."""
        return self.network.constant(layer.weights)

    def weight_scales(self, layer: Layer) -> Array:
        """Scales shaped to multiply the stored integers with."""
        scales = self.network.scales(layer.weights)
        shape = [1] * len(self.network.shape(layer.weights))
        if scales.size > 1:
            shape[layer.axis] = -1
        return scales.reshape(shape)

    def set_weights(self, layer: Layer, integers: Array) -> None:
        self.network.store(layer.weights, np.clip(integers, -127, 127).astype(np.int8))

    def write_bias(self, layer: Layer) -> None:
        """Store a layer's bias in the units that its scales now give."""
        if layer.result in self.biases:
            units = np.round(self.biases[layer.result] / self.bias_scale(layer))
            self.network.store(layer.bias, np.clip(units, -(2**31) + 1, 2**31 - 1).astype(np.int32))

    def to_bytes(self) -> bytes:
        """The file as it has become."""
        for layer in self.network.layers:
            self.write_bias(layer)
        return self.network.to_bytes()

    def _is_activation(self, tensor: int) -> bool:
        return tensor >= 0 and not self.network.is_constant(tensor) and self.network.scales(tensor).size == 1
