"""The quantization parameters that kernels take for granted (TFLite's int8 specification)."""

from __future__ import annotations

from edgeroute_plugins.devices.graph import WEIGHTED, Node
from edgeroute_plugins.tflite.reader import TensorData

OUTPUTS: dict[tuple[str, str], tuple[float, int]] = {
    ("LOGISTIC", "int8"): (1 / 256, -128),
    ("SOFTMAX", "int8"): (1 / 256, -128),
    ("TANH", "int8"): (1 / 128, 0),
    ("LOGISTIC", "uint8"): (1 / 256, 0),
    ("SOFTMAX", "uint8"): (1 / 256, 0),
    ("TANH", "uint8"): (1 / 128, 128),
}
"""(operator, type) → scale and zero point of the output."""
BIAS_TOLERANCE = 1e-4


def wrong_output(node: Node) -> str:
    """How a sigmoid's, softmax's or tanh's output differs from what the kernel writes."""
    y = node.y
    expected = OUTPUTS.get((node.name, y.dtype)) if y is not None else None
    if y is None or expected is None or not y.scale:
        return ""
    scale, zero = y.scale[0], y.zero_point[0] if y.zero_point else 0
    if abs(scale - expected[0]) <= 1e-4 * expected[0] and zero == expected[1]:
        return ""
    return f"its output is ({scale:g}, {zero}), not ({expected[0]:g}, {expected[1]})"


def int8_scheme(node: Node) -> str:
    """Symmetric int8 weights, and a bias in the accumulator's scale; a bias of zeros is right in any (TensorFlow lets layers share one)."""
    if node.name not in WEIGHTED:
        return ""
    weights, bias = node.weights, node.bias
    if weights is not None and weights.dtype == "int8" and any(weights.zero_point) and node.is_integer:
        return f"its weights have the zero point {next(z for z in weights.zero_point if z)}"
    empty = bias is not None and bias.is_constant and not any(bias.zero_point) and not any(bias.data)
    return "" if empty else bias_scheme(node)


def bias_scheme(node: Node) -> str:
    """The bias's zero point is 0, its scale input times weights, whatever it holds."""
    bias = node.bias
    if bias is None or bias.dtype not in ("int32", "int64") or not bias.scale:
        return ""
    if any(bias.zero_point):
        return f"its bias has the zero point {next(z for z in bias.zero_point if z)}"
    off = _bias_error(node.x, node.weights, bias)
    return f"its bias scale is off by {off:.2%}" if off > BIAS_TOLERANCE else ""


def _bias_error(x: TensorData | None, weights: TensorData | None, bias: TensorData) -> float:
    """The largest relative difference between bias scale and input scale times weight scale."""
    if x is None or weights is None or not x.scale or not weights.scale:
        return 0.0
    count = max(len(weights.scale), len(bias.scale))
    if {len(weights.scale), len(bias.scale)} - {1, count}:
        return 1.0
    worst = 0.0
    for i in range(count):
        expected = x.scale[0] * weights.scale[i % len(weights.scale)]
        if expected > 0:
            worst = max(worst, abs(bias.scale[i % len(bias.scale)] - expected) / expected)
    return worst
