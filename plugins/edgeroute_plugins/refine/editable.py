"""An int8 file whose weights and biases can be changed: a bias is kept as real numbers and written in units of input scale times weight scale."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgeroute_plugins.refine.network import Array, Layer, Network


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
