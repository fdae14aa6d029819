"""The quantization parameters that kernels take for granted (TFLite's int8 specification)."""

from __future__ import annotations

from edgeroute_plugins.devices.graph import Node

OUTPUTS: dict[tuple[str, str], tuple[float, int]] = {
    ("LOGISTIC", "int8"): (1 / 256, -128),
    ("SOFTMAX", "int8"): (1 / 256, -128),
    ("TANH", "int8"): (1 / 128, 0),
    ("LOGISTIC", "uint8"): (1 / 256, 0),
    ("SOFTMAX", "uint8"): (1 / 256, 0),
    ("TANH", "uint8"): (1 / 128, 128),
}
"""(operator, type) → scale and zero point of the output."""


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
