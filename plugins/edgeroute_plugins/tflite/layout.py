"""The layout of a model's image inputs and outputs, read off the operators next to them; their shape decides where those do not."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from edgeroute_plugins.layout import guess_layout
from edgeroute_plugins.tflite.graph import Flow, operand
from edgeroute_plugins.tflite.reader import Operator, Subgraph, TensorData

CHANNELS_LAST = frozenset(
    [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "MAX_POOL_2D",
        "AVERAGE_POOL_2D",
        "L2_POOL_2D",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SPACE_TO_DEPTH",
        "DEPTH_TO_SPACE",
    ]
)
"""Operators that take and give [batch, height, width, channels]."""
TRANSPARENT = frozenset(
    [
        "QUANTIZE",
        "DEQUANTIZE",
        "CAST",
        "ADD",
        "SUB",
        "MUL",
        "DIV",
        "PAD",
        "PADV2",
        "MIRROR_PAD",
        "RELU",
        "RELU6",
        "RELU_N1_TO_1",
        "RELU_0_TO_1",
        "LEAKY_RELU",
        "PRELU",
        "LOGISTIC",
        "TANH",
        "HARD_SWISH",
        "ELU",
        "GELU",
        "CLIP",
        "MINIMUM",
        "MAXIMUM",
        "SOFTMAX",
        "CONCATENATION",
    ]
)
"""Operators that keep the layout."""
REACH = 8
TAKEN: dict[tuple[int, ...], str] = {(0, 2, 3, 1): "NCHW", (0, 3, 1, 2): "NHWC"}
"""Permutation of a TRANSPOSE behind an input → the input's layout."""
GIVEN: dict[tuple[int, ...], str] = {(0, 3, 1, 2): "NCHW", (0, 2, 3, 1): "NHWC"}
"""Permutation of a TRANSPOSE before an output → the output's layout."""


def tensor_layout(flow: Flow, index: int, *, is_input: bool) -> str:
    """NCHW, NHWC or empty for one input or output."""
    tensor = flow.subgraph.tensors[index]
    if len(tensor.shape) != 4:
        return ""
    seen = _search(flow, flow.consumers.get(index, []), flow.after) if is_input else _search(flow, _producer(flow, index), flow.before)
    if seen is None:
        return guess_layout(tensor.shape)
    if seen.name != "TRANSPOSE":
        return "NHWC"
    return (TAKEN if is_input else GIVEN).get(_permutation(flow.subgraph, seen), "")


def _producer(flow: Flow, index: int) -> list[int]:
    return [flow.producer[index]] if index in flow.producer else []


def _search(flow: Flow, start: Iterable[int], step: Callable[[int], Iterable[int]]) -> Operator | None:
    """The nearest operator that tells the layout, through those that keep it."""
    level, seen = list(start), set[int]()
    for _ in range(REACH):
        telling = [o for o in map(flow.subgraph.operators.__getitem__, level) if o.name in CHANNELS_LAST or o.name == "TRANSPOSE"]
        if telling:
            return telling[0]
        seen.update(level)
        passing = [i for i in level if flow.subgraph.operators[i].name in TRANSPARENT]
        level = sorted({n for i in passing for n in step(i)} - seen)
    return None


def _permutation(subgraph: Subgraph, operator: Operator) -> tuple[int, ...]:
    """The constant permutation of a TRANSPOSE; empty where it is computed."""
    tensor: TensorData | None = operand(subgraph, operator, 1)
    if tensor is None or tensor.dtype != "int32" or len(tensor.data) != 16:
        return ()
    return struct.unpack("<4i", tensor.data)
