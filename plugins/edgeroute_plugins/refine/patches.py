"""What a layer sees at some of its output positions: rows of its input, ready to be multiplied with its weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeroute_plugins.refine.network import Array, Layer, Network
from edgeroute_plugins.tflite import editing


@dataclass(frozen=True)
class Geometry:
    """How a convolution walks over its input (NHWC)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    same: bool
    output: tuple[int, int]

    def before(self, size: int, axis: int) -> int:
        """Rows (axis 0) or columns (axis 1) of padding before the input."""
        if not self.same:
            return 0
        reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1
        return max((self.output[axis] - 1) * self.stride[axis] + reach - size, 0) // 2


def geometry(network: Network, layer: Layer, output: tuple[int, int]) -> Geometry:
    """Of a CONV_2D or DEPTHWISE_CONV_2D whose result has this height and width."""
    options = network.graph.operators[layer.operator.index].builtinOptions
    _, height, width, _ = network.shape(layer.weights)
    return Geometry(
        (height, width),
        (int(options.strideH), int(options.strideW)),
        (int(options.dilationHFactor or 1), int(options.dilationWFactor or 1)),
        int(options.padding) == int(editing.schema().Padding.SAME),
        output,
    )


def positions(output: tuple[int, int], count: int, random: np.random.Generator) -> Array:
    """Indices [count, 2] of rows and columns of a result, without repetition while there are enough."""
    total = output[0] * output[1]
    chosen = random.choice(total, min(count, total), replace=False)
    return np.stack([chosen // output[1], chosen % output[1]], axis=1)


def patches(value: Array, walk: Geometry, places: Array) -> Array:
    """Input of shape [1, H, W, C] at output places as [places, kh, kw, C]; padding is zero."""
    _, height, width, channels = value.shape
    rows = places[:, 0, None] * walk.stride[0] - walk.before(height, 0) + np.arange(walk.kernel[0]) * walk.dilation[0]
    columns = places[:, 1, None] * walk.stride[1] - walk.before(width, 1) + np.arange(walk.kernel[1]) * walk.dilation[1]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    taken = value[0, np.clip(rows, 0, height - 1)[:, :, None], np.clip(columns, 0, width - 1)[:, None, :]]
    return np.where(inside[..., None], taken, 0.0).reshape(len(places), *walk.kernel, channels)
