"""What keeps, or may keep, an operator off ARTPEC-8's DLPU (rules A8-002, 004, 014 to 017): what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

from edgeroute_plugins.devices.cases import OperatorCheck
from edgeroute_plugins.devices.graph import CONVOLUTIONS, INT8, WEIGHTED, Node
from edgeroute_plugins.devices.tables import artpec8_status, table

COMPUTE = frozenset(
    {*WEIGHTED, "MAX_POOL_2D", "AVERAGE_POOL_2D", "ADD", "SUB", "MUL", "MEAN", "SOFTMAX", "LOGISTIC", "TANH", "HARD_SWISH", "RELU", "RELU6"}
)
SHAPED_BY: dict[str, tuple[int, ...]] = {
    "RESHAPE": (1,), "RESIZE_BILINEAR": (1,), "RESIZE_NEAREST_NEIGHBOR": (1,), "STRIDED_SLICE": (1, 2, 3), "PAD": (1,), "SLICE": (1, 2),
    "ARG_MAX": (1,), "ARG_MIN": (1,), "TRANSPOSE_CONV": (0,),
}  # fmt: skip
"""Operator → positions of the operands that must be constant."""


def not_integer(node: Node) -> str:
    if node.name not in COMPUTE:
        return ""
    operands = [t for t in (node.x, node.weights) if t is not None]
    wrong = next((t for t in operands if t.dtype not in INT8), None)
    return "" if wrong is None else f"{wrong.name} is {wrong.dtype}"


def outside_table(node: Node) -> str:
    status = artpec8_status().get(node.name, "silent")
    if status in ("listed", "observed"):
        return ""
    known = {"likely": "VeriSilicon's delegate takes it", "unlikely": "VeriSilicon's delegate does not take it"}
    return f"Axis' table does not list {node.operator.label}" + (f"; {known[status]}" if status in known else "")


def refused_weights(node: Node) -> str:
    if node.name not in WEIGHTED or node.weights is None or node.x is None:
        return ""
    if node.x.dtype in INT8 and node.weights.dtype != node.x.dtype:
        return f"input {node.x.dtype}, weights {node.weights.dtype}"
    if node.name == "CONV_2D" and len(node.x.shape) == len(node.weights.shape) == 4:
        groups = node.x.shape[3] // max(node.weights.shape[3], 1)
        if groups > 1 and node.x.shape[0] > 1:
            return f"{groups} groups with batch {node.x.shape[0]}"
    if node.name == "FULLY_CONNECTED" and node.text("weights_format", "DEFAULT") != "DEFAULT":
        return "its weights are shuffled"
    return ""


def computed_shape(node: Node) -> str:
    for position in SHAPED_BY.get(node.name, ()):
        tensor = node.input(position)
        if tensor is not None and tensor in node.data:
            return f"{tensor.name} is computed by the graph"
    masks = [m for m in ("ellipsis_mask", "new_axis_mask") if node.name == "STRIDED_SLICE" and node.number(m)]
    return f"it uses {' and '.join(masks)}" if masks else ""


def refused_tensor(node: Node) -> str:
    limits = table("artpec8")["limits"]
    for tensor in node.touched:
        if len(tensor.shape) > limits["rank"]:
            return f"{tensor.name} has {len(tensor.shape)} dimensions"
        if 0 in tensor.shape:
            return f"{tensor.name} has the shape {list(tensor.shape)}"
        if len(tensor.shape) == 4 and max(tensor.shape[1:3]) > limits["size"]:
            return f"{tensor.name} is {tensor.shape[1]}x{tensor.shape[2]}"
    for tensor, types in [(t, ("int64", "string")) for t in node.data] + [(t, ("int16", "int64")) for t in node.outputs]:
        if tensor.dtype in types and not tensor.is_variable:
            return f"{tensor.name} is {tensor.dtype}"
    return ""


def unknown_to_driver(node: Node) -> str:
    return f"{node.operator.label} is a no in its table" if artpec8_status().get(node.name) == "unlikely" else ""


def kernel(node: Node) -> str:
    return f"{node.kernel[0]}x{node.kernel[1]}" if node.name in CONVOLUTIONS and node.kernel != (3, 3) else ""


OPERATORS: Mapping[str, OperatorCheck] = {
    "A8-002": not_integer,
    "A8-004": outside_table,
    "A8-014": refused_weights,
    "A8-015": computed_shape,
    "A8-016": refused_tensor,
    "A8-017": unknown_to_driver,
}
