"""What keeps an operator off ARTPEC-9's DLPU (rules A9-001 to 004, 008, 013 to 015): what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

from edgeroute_plugins.devices.cases import OperatorCheck
from edgeroute_plugins.devices.graph import CONVOLUTIONS, INT8, Node
from edgeroute_plugins.devices.predicates9 import PREDICATES, limit
from edgeroute_plugins.devices.tables import table


def batch(node: Node) -> str:
    for tensor in node.touched:
        if len(tensor.shape) == 4 and tensor.shape[0] != 1:
            return f"{tensor.name} has the shape {list(tensor.shape)}"
    return ""


def rank(node: Node) -> str:
    deep = next((t for t in node.touched if len(t.shape) > 4), None)
    return "" if deep is None else f"{deep.name} has {len(deep.shape)} dimensions"


def not_integer(node: Node) -> str:
    wrong = next((t for t in node.touched or node.outputs if t.dtype not in INT8), None)
    return "" if wrong is None else f"{wrong.name} is {wrong.dtype}"


def many_scales(node: Node) -> str:
    for tensor in (*node.touched, *node.constants):
        allowed = node.name in CONVOLUTIONS and (tensor is node.weights or tensor is node.bias)
        if not tensor.is_per_channel or (allowed and _right_axis(node, tensor is node.bias)):
            continue
        return f"{tensor.name} has {len(tensor.scale)} scales"
    return ""


def _right_axis(node: Node, is_bias: bool) -> bool:
    """Output channels: axis 3 of depthwise weights, axis 0 of the others."""
    expected = 3 if node.name == "DEPTHWISE_CONV_2D" else 0
    return is_bias or (node.weights is not None and node.weights.axis == expected)


def too_deep(node: Node) -> str:
    for tensor in node.touched:
        if len(tensor.shape) == 4 and tensor.shape[2] > 1 and 64 * tensor.shape[3] > limit("sram_bytes"):
            return f"{tensor.name} has {tensor.shape[3]} channels"
    return ""


def dilated(node: Node) -> str:
    if node.name in ("CONV_2D", "DEPTHWISE_CONV_2D") and node.dilation != (1, 1):
        return f"its dilation is {node.dilation[0]}x{node.dilation[1]}"
    return ""


def wrong_form(node: Node) -> str:
    entry = table("artpec9")["operators"].get(node.name)
    if entry is None or not entry["predicate"] or not node.is_integer:
        return ""
    return PREDICATES[entry["predicate"]](node)


def outside_table(node: Node) -> str:
    return "" if node.name in table("artpec9")["operators"] else f"the table does not list {node.operator.label}"


OPERATORS: Mapping[str, OperatorCheck] = {
    "A9-001": batch,
    "A9-002": rank,
    "A9-003": not_integer,
    "A9-004": many_scales,
    "A9-008": too_deep,
    "A9-013": dilated,
    "A9-014": wrong_form,
    "A9-015": outside_table,
}
