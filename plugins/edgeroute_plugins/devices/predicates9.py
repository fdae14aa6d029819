"""Which forms of its operators ARTPEC-9's DLPU takes: the clause that an operator breaks, or nothing.

The clauses are Axis' table (optimization tips), in the precise form of Arm's Ethos-N driver (SupportQueries.cpp).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from edgeroute_plugins.devices.cases import OperatorCheck
from edgeroute_plugins.devices.fixed import bias_scheme, wrong_output
from edgeroute_plugins.devices.graph import Node, axes, elements, integers
from edgeroute_plugins.devices.tables import table
from edgeroute_plugins.tflite.reader import TensorData


def limit(name: str) -> int:
    return int(table("artpec9")["limits"][name])


def addition(node: Node) -> str:
    constant = node.constants[0] if node.constants else None
    if constant is None:
        return _same_shapes(node)
    if is_channel_vector(constant, node) or _keeps_values(node, constant, multiply=False):
        return ""
    return f"its constant has the shape {list(constant.shape)}: neither one value per channel nor 1x1x1x1 with unchanged values"


def multiplication(node: Node) -> str:
    constant = node.constants[0] if node.constants else None
    if constant is None:
        return _same_shapes(node) or "it multiplies two activations, which Arm's driver takes since 23.11 but Axis' table does not list"
    if is_channel_vector(constant, node) or _keeps_values(node, constant, multiply=True):
        return ""
    return f"its constant has the shape {list(constant.shape)}: neither one value per channel nor 1x1x1x1 with unchanged values"


def _same_shapes(node: Node) -> str:
    if len({t.dtype for t in node.data}) > 1:
        return "its inputs differ in type"
    shapes = [list(t.shape) for t in node.data]
    return f"it broadcasts {shapes[0]} and {shapes[1]}" if len(shapes) == 2 and shapes[0] != shapes[1] else ""


def is_channel_vector(constant: TensorData, node: Node) -> bool:
    """Whether a constant holds one value per channel of the data operand."""
    channels = node.x.shape[-1] if node.x is not None and node.x.shape else 0
    return bool(constant.shape) and elements(constant) == constant.shape[-1] == channels


def _keeps_values(node: Node, constant: TensorData, *, multiply: bool) -> bool:
    """Whether a scalar changes only what the quantized numbers mean, not the numbers.

    The driver takes the shape 1x1x1x1 literally (EthosNReplaceUnsupported.cpp); with it, Axis' own YOLOv5n comes out as published.
    """
    value, x, y = scalar(constant), node.x, node.y
    if constant.shape != (1, 1, 1, 1):
        return False
    if value is None or x is None or y is None or not (x.scale and y.scale and x.zero_point and y.zero_point):
        return False
    scale = x.scale[0] * (value if multiply else 1.0)
    shift = 0 if multiply else round(value / x.scale[0])
    return abs(scale - y.scale[0]) <= 1e-4 * y.scale[0] and x.zero_point[0] - shift == y.zero_point[0]


def scalar(constant: TensorData) -> float | None:
    """The value of a constant with one element; None for others."""
    if elements(constant) != 1 or not constant.has_data:
        return None
    if constant.dtype in ("int8", "uint8") and constant.scale:
        raw = constant.data[0]
        stored = raw - 256 if constant.dtype == "int8" and raw > 127 else raw
        return (stored - (constant.zero_point[0] if constant.zero_point else 0)) * constant.scale[0]
    if constant.dtype == "float32" and len(constant.data) >= 4:
        return float(struct.unpack_from("<f", constant.data)[0])
    return None


def average_pool(node: Node) -> str:
    if node.x is None or len(node.x.shape) != 4:
        return "its input has no height and width"
    kernel, size = node.kernel, node.x.shape[1:3]
    if kernel == (3, 3) and node.strides == (1, 1) and node.text("padding") == "SAME":
        return ""
    if kernel in ((7, 7), (8, 8)) and kernel == size:
        return ""
    return f"a pool of {kernel[0]}x{kernel[1]} with strides {list(node.strides)} and {node.text('padding')} padding on {size[0]}x{size[1]}"


def concatenation(node: Node) -> str:
    rank = len(node.y.shape) if node.y is not None else 0
    axis = node.number("axis") % max(rank, 1)
    if axis == 0 and rank > 1:
        return "it joins along the batch"
    if any(not scales_fit(t, node.y) for t in node.inputs if t is not None):
        return "an input's scale is 128 times the output's, or more"
    channels = [t.shape[axis] for t in node.inputs if t is not None and len(t.shape) == rank]
    odd = [c for c in channels if c % limit("channels")]
    return f"it joins {', '.join(map(str, odd))} channels" if axis == rank - 1 and odd else ""


def scales_fit(x: TensorData | None, y: TensorData | None) -> bool:
    """O > I/128."""
    return x is None or y is None or not x.scale or not y.scale or y.scale[0] > x.scale[0] / 128


def convolution(node: Node) -> str:
    return _kernel(node) or _strides(node) or _scales(node)


def _kernel(node: Node) -> str:
    sides = set(table("artpec9")["limits"]["kernels"])
    return "" if set(node.kernel) <= sides else f"its kernel is {node.kernel[0]}x{node.kernel[1]}"


def _strides(node: Node) -> str:
    high, wide = node.strides
    if high != wide or high not in (1, 2):
        return f"its strides are {high}x{wide}"
    return f"its kernel is {node.kernel[0]}x{node.kernel[1]} with stride {high}" if max(node.kernel) > 7 and high > 1 else ""


def _scales(node: Node) -> str:
    """0 <= I·W/O < 65536; the bias has the zero point 0 and the scale I·W."""
    x, weights, y = node.x, node.weights, node.y
    if x is None or weights is None or y is None or not (x.scale and weights.scale and y.scale) or y.scale[0] <= 0:
        return ""
    factor = x.scale[0] * max(weights.scale) / y.scale[0]
    return bias_scheme(node) if 0 <= factor < 65536 else f"input scale times weight scale over output scale is {factor:g}"


def depth_to_space(node: Node) -> str:
    channels = node.x.shape[-1] if node.x is not None and node.x.shape else 0
    if node.number("block_size") != 2 or channels % 4:
        return f"block {node.number('block_size')} on {channels} channels"
    return ""


def depthwise(node: Node) -> str:
    if node.x is None or node.y is None or not node.x.shape or not node.y.shape:
        return ""
    if node.x.shape[-1] not in (1, node.y.shape[-1]):
        return f"it makes {node.y.shape[-1]} channels of {node.x.shape[-1]}"
    if node.kernel == (1, 1) and max(node.strides) > 1:
        return f"its kernel is 1x1 with stride {max(node.strides)}"
    return convolution(node)


def dense(node: Node) -> str:
    if node.weights is None or node.y is None or len(node.weights.shape) != 2:
        return "its weights are not a matrix"
    if elements(node.y) != node.weights.shape[0]:
        return f"it computes {elements(node.y) // max(node.weights.shape[0], 1)} rows at once"
    return _scales(node)


def leaky_relu(node: Node) -> str:
    alpha = node.operator.options.get("alpha", 0.0)
    return "" if isinstance(alpha, float) and 0 < alpha < 1 else f"alpha is {alpha}"


def max_pool(node: Node) -> str:
    if node.x is None or len(node.x.shape) != 4:
        return "its input has no height and width"
    (high, wide), (stride, stride_w), size = node.kernel, node.strides, node.x.shape[1:3]
    what = f"a pool of {high}x{wide} with strides {stride}x{stride_w} on {size[0]}x{size[1]}"
    if stride != stride_w or high > size[0] or wide > size[1]:
        return what
    if stride == 1:
        return "" if max(high, wide) <= (17 if node.text("padding") == "SAME" else 9) else what
    return "" if stride == 2 and _halves(node, size) else what


def _halves(node: Node, size: tuple[int, ...]) -> bool:
    """Pools of stride 2: 1x1, 2x2 without a ragged end, 3x3 (whose parity clause the sources contradict each other on)."""
    if node.kernel == (1, 1):
        return True
    if node.kernel == (3, 3):
        return size[1] <= limit("pool_width")
    if node.kernel != (2, 2):
        return False
    padded = node.text("padding") == "SAME"
    return all(d % 2 == 0 for d in size) or (padded and all(d % 2 == 1 for d in size))


def mean(node: Node) -> str:
    if node.x is None or len(node.x.shape) != 4 or axes(node.input(1), 4) != (1, 2):
        return "its axes are not exactly height and width"
    if node.x.shape[1:3] not in ((7, 7), (8, 8)):
        return f"its input is {node.x.shape[1]}x{node.x.shape[2]}"
    return "" if node.operator.options.get("keep_dims") else "it drops the averaged dimensions"


def pad(node: Node) -> str:
    widths = integers(node.input(1))
    if widths is None or node.x is None or len(widths) != 2 * len(node.x.shape):
        return "its paddings are computed by the graph"
    if len(node.x.shape) != 4 or any(widths[:2]) or any(widths[6:]):
        return "it pads other dimensions than height and width"
    if max(widths) > limit("padding"):
        return f"it pads by {max(widths)}"
    same = node.y is not None and (node.x.scale, node.x.zero_point) == (node.y.scale, node.y.zero_point)
    return "" if same else "input and output have different scales"


def requantize(node: Node) -> str:
    return "" if scales_fit(node.x, node.y) else "the input's scale is 128 times the output's, or more"


def resize(node: Node) -> str:
    if node.x is None or node.y is None or len(node.x.shape) != 4 or len(node.y.shape) != 4:
        return "its input has no height and width"
    old, new = node.x.shape[1:3], node.y.shape[1:3]
    fits = all(n in (2 * o, 2 * o - 1) for o, n in zip(old, new, strict=True))
    return "" if fits else f"from {old[0]}x{old[1]} to {new[0]}x{new[1]}, not the double"


def split(node: Node) -> str:
    rank = len(node.x.shape) if node.x is not None else 0
    axis = axes(node.input(0 if node.name == "SPLIT" else 2), rank)
    if not axis:
        return "its axis is computed by the graph"
    if axis == (0,) and rank > 1:
        return "it splits the batch"
    odd = sorted({t.shape[-1] for t in node.outputs if t.shape and t.shape[-1] % limit("channels")})
    return f"it splits off {', '.join(map(str, odd))} channels" if axis == (rank - 1,) and odd else ""


def transpose_convolution(node: Node) -> str:
    if node.strides != (2, 2):
        return f"its strides are {node.strides[0]}x{node.strides[1]}"
    if max(node.kernel) > 7 and node.text("padding") != "SAME":
        return f"its kernel is {node.kernel[0]}x{node.kernel[1]} without SAME padding"
    return _kernel(node) or _scales(node)


def transpose(node: Node) -> str:
    order = integers(node.input(1))
    return "" if order and order[0] == 0 else "it moves the batch, or its order is computed by the graph"


PREDICATES: Mapping[str, OperatorCheck] = {
    function.__name__: function
    for function in (
        addition, average_pool, concatenation, convolution, depth_to_space, depthwise, dense, leaky_relu, max_pool, mean,
        multiplication, pad, requantize, resize, split, transpose_convolution, transpose,
    )
} | {"fixed_output": wrong_output}  # fmt: skip
