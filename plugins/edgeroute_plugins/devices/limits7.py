"""What keeps an operator off the Edge TPU (rules A7-003 to A7-019), one function per rule: what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from edgeroute_plugins.devices.cases import OperatorCheck
from edgeroute_plugins.devices.graph import WEIGHTED, Node, axes, elements, integers, matters
from edgeroute_plugins.devices.tables import newer, release, table
from edgeroute_plugins.tflite.reader import TensorData

POOLS = frozenset({"AVERAGE_POOL_2D", "MAX_POOL_2D"})
REDUCTIONS = frozenset({"REDUCE_MAX", "REDUCE_MIN", "SUM"})
RESIZES = frozenset({"RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"})


def dimensions(node: Node) -> str:
    for tensor in node.touched:
        if len(tensor.shape) > 3 and prod(tensor.shape[:-3]) > 1:
            return f"{tensor.name} has the shape {list(tensor.shape)}"
    return ""


def computed_weights(node: Node) -> str:
    for what, tensor in (("weights", node.weights), ("bias", node.bias)):
        if node.name in WEIGHTED and tensor is not None and not tensor.is_constant:
            return f"its {what} ({tensor.name}) are computed by the graph"
    return ""


def fused_activation(node: Node) -> str:
    if (node.name in POOLS or node.name == "CONCATENATION") and node.activation != "NONE":
        return f"it fuses {node.activation}"
    return ""


def constant_in_concatenation(node: Node) -> str:
    if node.name != "CONCATENATION" or not node.constants:
        return ""
    if len(node.inputs) == 2 and len(node.constants) == 1 and is_zero(node.constants[0]):
        return ""
    return f"{node.constants[0].name} is a constant"


def is_zero(tensor: TensorData) -> bool:
    """Whether an 8-bit constant stands for nothing but zeros."""
    zero = (tensor.zero_point[0] if tensor.zero_point else 0) & 0xFF
    raw = bytes(tensor.data)
    return tensor.dtype in ("int8", "uint8") and raw.count(zero) == len(raw)


def unequal_dilation(node: Node) -> str:
    high, wide = node.dilation
    if node.name in ("CONV_2D", "DEPTHWISE_CONV_2D") and high != wide:
        return f"its dilation is {high}x{wide}"
    return ""


def dense_form(node: Node) -> str:
    if node.name != "FULLY_CONNECTED":
        return ""
    if (form := node.text("weights_format", "DEFAULT")) != "DEFAULT":
        return f"its weights have the format {form}"
    if node.y is not None and matters(node.y.shape) > 1:
        return f"its output has the shape {list(node.y.shape)}"
    return ""


def mean_axes(node: Node) -> str:
    if node.name != "MEAN" or node.x is None:
        return ""
    rank = len(node.x.shape)
    chosen = axes(node.input(1), rank)
    if chosen is None:
        return "its axes are computed by the graph"
    if rank == 4 and 0 in chosen:
        return "it averages over the batch"
    if rank - 1 in chosen and rank > 2 and node.x.shape[-1] % 4:
        return f"it averages over {node.x.shape[-1]} channels"
    return ""


def on_batch(node: Node) -> str:
    if node.x is None or not node.x.shape:
        return ""
    rank = len(node.x.shape)
    if node.name == "PACK":
        hit = rank > 1 and node.number("axis") in (0, -rank - 1)
    elif node.name == "PAD":
        hit = rank == 4 and any((integers(node.input(1)) or ())[:2])
    elif node.name in REDUCTIONS:
        hit = rank == 4 and 0 in (axes(node.input(1), rank) or ())
    elif node.name == "SPLIT":
        hit = rank > 1 and len(node.outputs) > 1 and axes(node.input(0), rank) == (0,)
    else:
        return ""
    return "it acts on the first dimension" if hit else ""


def slope_per_position(node: Node) -> str:
    alpha = node.input(1) if node.name == "PRELU" else None
    if alpha is not None and prod(alpha.shape[:-1]) > 1:
        return f"alpha has the shape {list(alpha.shape)}"
    return ""


def softmax_form(node: Node) -> str:
    if node.name != "SOFTMAX" or node.x is None:
        return ""
    most = table("artpec7")["limits"]["softmax_elements"]
    if matters(node.x.shape) > 1:
        return f"its input has the shape {list(node.x.shape)}"
    return f"it covers {elements(node.x)} elements, more than {most}" if elements(node.x) > most else ""


def slice_form(node: Node) -> str:
    if node.name != "STRIDED_SLICE":
        return ""
    strides = integers(node.input(3))
    if strides is None or any(s != 1 for s in strides):
        return f"its strides are {list(strides)}" if strides else "its strides are computed by the graph"
    masks = [m for m in ("ellipsis_mask", "new_axis_mask") if node.number(m)]
    return f"it uses {' and '.join(masks)}" if masks else ""


def large_resize(node: Node) -> str:
    if node.name not in RESIZES or node.x is None or node.y is None or len(node.y.shape) != 4:
        return ""
    limits = table("artpec7")["limits"]
    (high, wide), (new_high, new_wide) = node.x.shape[1:3], node.y.shape[1:3]
    grown = max(new_high / max(high, 1), new_wide / max(wide, 1)) > limits["resize_factor"]
    if grown or max(new_high, new_wide) > limits["resize_pixels"]:
        return f"from {high}x{wide} to {new_high}x{new_wide}"
    return ""


def unmapped(node: Node) -> str:
    entry = table("artpec7")["operators"].get(node.name)
    if entry is None:
        return f"{node.operator.label} is not in the Edge TPU's table"
    if entry["status"] == "mapped":
        return ""
    return f"{node.name} was seen to stay on the CPU"


def instead(node: Node) -> str:
    """What the Edge TPU maps in place of an operator; empty where nothing is known."""
    return str(table("artpec7")["operators"].get(node.name, {}).get("instead", ""))


def refused_version(node: Node) -> str:
    """Only what the compiler was seen to refuse."""
    entry = table("artpec7")["refused_versions"].get(node.name)
    if entry is not None and node.operator.version >= entry["version"]:
        return f"version {node.operator.version} of {node.name} ({entry['source']})"
    return ""


def newer_than_compiler(node: Node) -> str:
    """A version that came after the compiler's last release."""
    first = release(node.name, node.operator.version)
    if newer(first, table("artpec7")["limits"]["compiler_tflite"]) and not refused_version(node):
        return f"version {node.operator.version} of {node.name} came with TFLite {first}"
    return ""


OFF: Mapping[str, OperatorCheck] = {
    "A7-003": dimensions,
    "A7-004": computed_weights,
    "A7-018": unmapped,
    "A7-019": refused_version,
}
"""Asked of every operator."""
LIMITS: Mapping[str, OperatorCheck] = {
    "A7-006": fused_activation,
    "A7-007": constant_in_concatenation,
    "A7-008": unequal_dilation,
    "A7-009": dense_form,
    "A7-010": mean_axes,
    "A7-011": on_batch,
    "A7-012": slope_per_position,
    "A7-013": softmax_form,
    "A7-014": slice_form,
    "A7-015": large_resize,
}
"""Asked of the operators whose table row names them."""
