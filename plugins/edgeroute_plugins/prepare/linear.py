"""Convolutions and dense layers seen alike: weights whose output and input channels can be scaled, and a bias that can be shifted.

Layouts: Conv `[out, in/group, *kernel]`, ConvTranspose `[in, out/group, *kernel]`, Gemm `[in, out]` (`[out, in]` with transB),
MatMul `[in, out]`. Arithmetic is done in float64 and stored in the weights' own type.
"""

from __future__ import annotations

import math

import numpy as np

from edgeroute_plugins.prepare.graph import Array, Graph, Node, attribute, set_attribute

LINEAR = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


def is_linear(graph: Graph, node: Node | None) -> bool:
    """Whether a node multiplies one variable operand with constant weights, and adds a constant bias."""
    if node is None or node.op_type not in LINEAR or node.input[0] in graph.constants:
        return False
    weights = graph.constant(node.input[1])
    if weights is None or weights.dtype != np.float32:
        return False
    if len(node.input) > 2 and node.input[2] and graph.constant(node.input[2]) is None:
        return False
    if node.op_type == "MatMul":
        return bool(weights.ndim == 2)
    return not (node.op_type == "Gemm" and attribute(node, "transA", 0))


def groups(node: Node) -> int:
    return int(attribute(node, "group", 1)) if node.op_type in ("Conv", "ConvTranspose") else 1


def is_depthwise(graph: Graph, node: Node | None) -> bool:
    """One input channel per output channel (multiplier 1)."""
    if node is None or not is_linear(graph, node) or node.op_type not in ("Conv", "ConvTranspose"):
        return False
    return groups(node) > 1 and groups(node) == in_channels(graph, node) == out_channels(graph, node)


def channel_axis(node: Node) -> int:
    """Axis of the channels in input and output: 1 for convolutions, the last one for dense layers."""
    return 1 if node.op_type in ("Conv", "ConvTranspose") else -1


def out_channels(graph: Graph, node: Node) -> int:
    shape = graph.constants[node.input[1]].shape
    if node.op_type == "Conv":
        return int(shape[0])
    if node.op_type == "ConvTranspose":
        return int(shape[1]) * groups(node)
    return int(shape[0] if attribute(node, "transB", 0) else shape[1])


def in_channels(graph: Graph, node: Node) -> int:
    shape = graph.constants[node.input[1]].shape
    if node.op_type == "Conv":
        return int(shape[1]) * groups(node)
    if node.op_type == "ConvTranspose":
        return int(shape[0])
    return int(shape[1] if attribute(node, "transB", 0) else shape[0])


def weights(graph: Graph, node: Node) -> Array:
    """Weights as float64 `[group, out/group, in/group, taps]`, a copy."""
    value = graph.constants[node.input[1]].astype(np.float64)
    if node.op_type == "Conv":
        return value.reshape(groups(node), value.shape[0] // groups(node), value.shape[1], -1)
    if node.op_type == "ConvTranspose":
        split = value.reshape(groups(node), value.shape[0] // groups(node), value.shape[1], -1)
        return split.transpose(0, 2, 1, 3)
    value = value if attribute(node, "transB", 0) else value.T
    return value[None, :, :, None] * attribute(node, "alpha", 1.0)


def set_weights(graph: Graph, node: Node, value: Array) -> None:
    """Store weights given as `[group, out/group, in/group, taps]`."""
    original = graph.constants[node.input[1]]
    if node.op_type == "Conv":
        stored = value
    elif node.op_type == "ConvTranspose":
        stored = value.transpose(0, 2, 1, 3)
    else:
        dense = value[0, :, :, 0]
        stored = dense if attribute(node, "transB", 0) else dense.T
        if node.op_type == "Gemm":
            set_attribute(node, "alpha", 1.0)
    graph.set_constant(node, 1, np.ascontiguousarray(stored.reshape(original.shape)).astype(original.dtype))


def bias(graph: Graph, node: Node) -> Array:
    """Bias per output channel as float64, a copy; zeros where there is none."""
    count = out_channels(graph, node)
    if len(node.input) < 3 or not node.input[2]:
        return np.zeros(count)
    value = graph.constants[node.input[2]].astype(np.float64) * attribute(node, "beta", 1.0)
    return np.broadcast_to(value.reshape(-1), (count,)).copy()


def can_have_bias(graph: Graph, node: Node) -> bool:
    """A MatMul has none; a Gemm's must be one row."""
    if node.op_type == "MatMul":
        return False
    if len(node.input) < 3 or not node.input[2]:
        return True
    size = graph.constants[node.input[2]].size
    return size in (1, out_channels(graph, node))


def set_bias(graph: Graph, node: Node, value: Array) -> None:
    if node.op_type == "Gemm":
        set_attribute(node, "beta", 1.0)
    graph.set_constant(node, 2, value.astype(graph.constants[node.input[1]].dtype))


def has_bias(node: Node) -> bool:
    return len(node.input) > 2 and bool(node.input[2])


def scale_output(graph: Graph, node: Node, factor: Array) -> None:
    """Multiply output channels (weights and bias) by `factor` `[out]`."""
    value = weights(graph, node)
    shifted = bias(graph, node) * factor if has_bias(node) else None
    set_weights(graph, node, value * factor.reshape(value.shape[0], value.shape[1], 1, 1))
    if shifted is not None:
        set_bias(graph, node, shifted)


def scale_input(graph: Graph, node: Node, factor: Array) -> None:
    """Multiply the weights of input channels by `factor` `[in]`."""
    value = weights(graph, node)
    set_weights(graph, node, value * factor.reshape(value.shape[0], 1, value.shape[2], 1))


def shift_output(graph: Graph, node: Node, offset: Array) -> None:
    """Add `offset` `[out]` to the bias."""
    set_bias(graph, node, bias(graph, node) + offset)


def is_unpadded(node: Node) -> bool:
    """Every input of every output element is a real one, so that a constant added to the input is a constant in the output."""
    if node.op_type in ("Gemm", "MatMul"):
        return True
    auto = attribute(node, "auto_pad", b"NOTSET")
    return node.op_type == "Conv" and auto in (b"NOTSET", b"VALID", "NOTSET", "VALID") and not any(attribute(node, "pads", []))


def channel_vector(value: Array, shape: tuple[int, ...] | None, axis: int) -> Array | None:
    """A constant operand as one number per channel, or None when it varies over other axes or enlarges the result.

    `shape` is the variable operand's; None (unknown) admits single numbers of rank 0 or 1 only, as vector of length 1.
    """
    if shape is None:
        return value.astype(np.float64).reshape(1) if value.size == 1 and value.ndim <= 1 else None
    axis %= len(shape)
    if value.ndim > len(shape):
        return None
    full = (1,) * (len(shape) - value.ndim) + value.shape
    if any(d != 1 and i != axis for i, d in enumerate(full)) or full[axis] not in (1, shape[axis]):
        return None
    return np.broadcast_to(value.astype(np.float64).reshape(-1), (shape[axis],)).copy()


def along(vector: Array, rank: int, axis: int, dtype: type = np.float32) -> Array:
    """A vector per channel shaped to broadcast over a tensor of a rank; a single repeated number becomes a scalar."""
    if vector.size and np.all(vector == vector[0]):
        return np.asarray(vector[0], dtype)
    shape = [1] * rank
    shape[axis] = vector.size
    return vector.reshape(shape).astype(dtype)


def macs(shape: tuple[int, ...], kernel: tuple[int, ...]) -> int:
    """Multiplications of a convolution with output `shape` and weights `[out, in/group, *taps]`."""
    return math.prod(shape) * math.prod(kernel[1:])
