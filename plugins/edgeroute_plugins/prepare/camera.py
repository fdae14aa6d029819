"""The application's preprocessing folded into the network, which then takes the pixels 0..255 of an RGB picture as a camera feeds them.

Per channel, x = a·pixel + b with a = scale/std and b = -mean/std. Factors and the channels' order go into the first convolutions'
weights. An offset goes into their bias where nothing is padded; where zeros are padded, these zeros mean b in pixels, so that the offset stays
an operator of its own in front: a 1x1 depthwise convolution with weights 1, which eight bits hold exactly. Networks that do not start with
convolutions get one 1x1 convolution in front. Exact in float; refused where the preprocessing is not known to fit the input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeroute.errors import ConverterFailed
from edgeroute.types import Preprocess
from edgeroute_plugins.prepare import linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, attribute, make

CHANNELS = (1, 3)


@dataclass(frozen=True)
class Mapping:
    """x[k] = factor[k] · pixel[order[k]] + offset[k] for every channel k of the network."""

    factor: Array
    offset: Array
    order: tuple[int, ...]

    def apply(self, pixels: Array, axis: int) -> Array:
        """Network input from pixels (float32), channels on `axis`."""
        shape = [1] * pixels.ndim
        shape[axis] = -1
        moved = np.take(pixels, self.order, axis=axis).astype(np.float64)
        return (moved * self.factor.reshape(shape) + self.offset.reshape(shape)).astype(np.float32)

    @property
    def is_identity(self) -> bool:
        return bool(np.all(self.factor == 1) and np.all(self.offset == 0)) and self.is_ordered

    @property
    def is_ordered(self) -> bool:
        return self.order == tuple(range(len(self.order)))


def fold_preprocessing(graph: Graph, preprocess: Preprocess) -> str:
    """Let the graph take pixels, in place; returns what was done in words. Raises ConverterFailed where that cannot be exact."""
    name, axis = picture(graph)
    mapping = mapping_of(preprocess, graph.shapes[name][axis])
    if mapping.is_identity:
        return "pixels are what the network takes already"
    entry = _behind_transpose(graph, name) if axis == 3 else name
    if entry == name and axis == 3:
        raise _refused(f"input {name} is channels-last and not turned to channels-first at once", "export the network with an NCHW input")
    layers = graph.consumers.get(entry, [])
    if graph.leaves(entry) or not layers or not all(_is_entry(graph, layer, entry) for layer in layers):
        _insert_mapping(graph, entry, mapping)
        return "a 1x1 convolution in front of the network"
    shifted = bool(np.any(mapping.offset != 0)) and not all(linear.is_unpadded(layer) for layer in layers)
    for layer in layers:
        _fold_into(graph, layer, mapping, keep_offset=shifted)
    if shifted:
        _insert_shift(graph, entry, mapping)
        return "factors in the first convolutions, the offset in front because they pad"
    return "factors and offset in the first convolutions"


def picture(graph: Graph) -> tuple[str, int]:
    """Name and channel axis (1 or 3) of the one picture input; raises ConverterFailed when there is none, or more inputs."""
    names = graph.input_names
    if len(names) != 1:
        raise _refused(f"the network has {len(names)} inputs", "fold the preprocessing where the network is exported")
    shape = graph.shapes.get(names[0], ())
    axis = next((a for a in (1, 3) if len(shape) == 4 and shape[a] in CHANNELS), None)
    if axis is None:
        raise _refused(f"input {names[0]} of shape {list(shape)} is no picture", "leave it out: --avoid camera")
    return names[0], axis


def mapping_of(preprocess: Preprocess, channels: int) -> Mapping:
    """The preprocessing as an affine map for this many channels; raises ConverterFailed when it is a guess or does not fit."""
    if not preprocess.known:
        raise _refused(
            "the preprocessing is not known", "say how the network was trained: --preprocess imagenet, or --scale, --mean and --std"
        )
    if preprocess.color == "grey" and channels != 1:
        raise _refused("grey pictures for a network with three channels", "repeat the grey channel in the application, and say --color rgb")
    lengths = {len(preprocess.mean), len(preprocess.std)} - {1, channels}
    if lengths:
        raise _refused(f"{max(lengths)} means or deviations for {channels} channels", "give one value, or one per channel")
    std = np.broadcast_to(np.asarray(preprocess.std, np.float64), (channels,))
    mean = np.broadcast_to(np.asarray(preprocess.mean, np.float64), (channels,))
    order = tuple(range(channels))
    return Mapping(preprocess.scale / std, -mean / std, order[::-1] if preprocess.color == "bgr" else order)


def _behind_transpose(graph: Graph, name: str) -> str:
    reader = graph.only_consumer(name)
    if reader is not None and reader.op_type == "Transpose" and list(attribute(reader, "perm", [])) == [0, 3, 1, 2]:
        return str(reader.output[0])
    return name


def _is_entry(graph: Graph, layer: Node, entry: str) -> bool:
    return layer.op_type == "Conv" and layer.input[0] == entry and linear.is_linear(graph, layer) and linear.groups(layer) == 1


def _fold_into(graph: Graph, layer: Node, mapping: Mapping, keep_offset: bool) -> None:
    value = linear.weights(graph, layer)
    if not keep_offset and np.any(mapping.offset != 0):
        linear.shift_output(graph, layer, (value * mapping.offset.reshape(1, 1, -1, 1)).sum(axis=(2, 3)).reshape(-1))
    scaled = value * mapping.factor.reshape(1, 1, -1, 1)
    ordered = np.empty_like(scaled)
    ordered[:, :, list(mapping.order)] = scaled
    linear.set_weights(graph, layer, ordered)


def _insert_shift(graph: Graph, entry: str, mapping: Mapping) -> None:
    """Subtract the means, in pixels and in the picture's order of channels, so that padded zeros mean what they meant."""
    channels = len(mapping.order)
    means: Array = np.empty(channels)
    means[list(mapping.order)] = mapping.offset / mapping.factor
    _insert_conv(graph, entry, np.ones((channels, 1, 1, 1)), means, channels)


def _insert_mapping(graph: Graph, entry: str, mapping: Mapping) -> None:
    channels = len(mapping.order)
    if mapping.is_ordered:
        _insert_conv(graph, entry, mapping.factor.reshape(-1, 1, 1, 1), mapping.offset, channels)
        return
    weights = np.zeros((channels, channels, 1, 1))
    weights[np.arange(channels), list(mapping.order), 0, 0] = mapping.factor
    _insert_conv(graph, entry, weights, mapping.offset, 1)


def _insert_conv(graph: Graph, entry: str, weights: Array, bias: Array, group: int) -> None:
    result = graph.name(f"{entry}_pixels")
    graph.redirect(entry, result)
    operands = [
        entry,
        graph.add_constant("pixel_weights", weights.astype(np.float32)),
        graph.add_constant("pixel_bias", np.asarray(bias).astype(np.float32)),
    ]
    conv = make("Conv", operands, [result], group=group, kernel_shape=[1, 1], pads=[0, 0, 0, 0], strides=[1, 1])
    graph.insert(conv, after=entry)


def _refused(what: str, remedy: str) -> ConverterFailed:
    return ConverterFailed(f"the preprocessing cannot be folded in exactly: {what}", where="camera", remedy=remedy, code="camera-refused")
