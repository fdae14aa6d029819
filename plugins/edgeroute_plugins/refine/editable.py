"""An int8 file whose weights and biases can be changed: a bias is kept as real numbers and written in units of input scale times weight scale."""

from __future__ import annotations

import collections
from dataclasses import dataclass, field

import numpy as np

from edgeroute_plugins.refine.network import Array, Layer, Network
from edgeroute_plugins.tflite import editing


@dataclass
class Editable:
    """A quantized network under change."""

    network: Network
    biases: dict[int, Array] = field(default_factory=dict)
    """Bias per layer's result tensor, in real numbers; of integer layers that share neither weights nor bias with others."""

    @classmethod
    def parse(cls, blob: bytes) -> Editable:
        network = Network.parse(blob)
        found = cls(network)
        readers = collections.Counter(t for operator in network.operators for t in operator.inputs)
        for layer in network.layers:
            if found.is_integer(layer) and readers[layer.weights] == readers[layer.bias] == 1:
                found.biases[layer.result] = network.constant(layer.bias).astype(np.float64) * found.bias_scale(layer)
        return found

    def is_integer(self, layer: Layer) -> bool:
        """Whether a layer computes in int8 with symmetric weights and has an int32 bias."""
        network, kinds = self.network, editing.schema().TensorType
        bias = network.constant(layer.bias)
        return (
            bias is not None
            and bias.dtype == np.int32
            and network.graph.tensors[layer.weights].type == kinds.INT8
            and network.graph.tensors[layer.source].type == kinds.INT8
            and network.scales(layer.source).size == 1
            and network.scales(layer.weights).size in (1, network.shape(layer.weights)[layer.axis])
            and not np.any(network.graph.tensors[layer.weights].quantization.zeroPoint)
        )

    def bias_scale(self, layer: Layer) -> Array:
        """Units of the int32 bias: one, or one per channel."""
        return self.network.scales(layer.source)[0] * self.network.scales(layer.weights)

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

    def scale_weights(self, layer: Layer, factors: Array) -> None:
        """Multiply the scales of a layer's weights, one or one per channel; the bias keeps its real value, in the new units."""
        quantization = self.network.graph.tensors[layer.weights].quantization
        quantization.scale = (self.network.scales(layer.weights) * np.asarray(factors).reshape(-1)).astype(np.float32)
        self.network.graph.tensors[layer.bias].quantization.scale = self.bias_scale(layer).astype(np.float32)

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
