"""What a file is made of: TFL-002 to TFL-006, TFL-022, TFL-025 to TFL-027."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from edgeroute.types import Severity
from edgeroute_plugins.devices.cases import Case, Check, Hit, per_operator
from edgeroute_plugins.devices.graph import EDGETPU, POSTPROCESS, Node

CONTROL = frozenset({"WHILE", "IF", "CALL", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"})
PASSING = frozenset({"RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "QUANTIZE", "DEQUANTIZE", "CAST", "BROADCAST_TO"})
ROUTE_ON = "cut it off, or export without post-processing, and do its work in the application"


def control_flow(case: Case) -> Iterator[Hit]:
    count = len(case.graph.model.subgraphs)
    if count > 1:
        yield Hit(f"the file holds {count} subgraphs", cost=1.0)
    for node in case.graph.nodes:
        if node.name in CONTROL:
            yield Hit(f"{node.name} is control flow or a variable", node.where, 1.0)


def is_flex(node: Node) -> bool:
    return node.operator.custom_code.startswith("Flex")


def is_custom(node: Node) -> bool:
    """A custom operator that is neither Flex nor a compiled Edge TPU part."""
    return node.name == "CUSTOM" and not is_flex(node) and node.operator.custom_code != EDGETPU


def flex(node: Node) -> str:
    return f"{node.operator.custom_code} needs TensorFlow inside the interpreter" if is_flex(node) else ""


def custom(case: Case) -> Iterator[Hit]:
    """One trailing SSD post-processing is a warning; all other custom operators are errors."""
    found = [node for node in case.graph.nodes if is_custom(node)]
    for node in found:
        if is_trailing_postprocess(node) and len(found) == 1:
            yield Hit(f"{POSTPROCESS} runs on the CPU, as in Axis' own SSD models", node.where, 0.01, Severity.WARNING, ROUTE_ON)
        else:
            yield Hit(f"the firmware does not know {node.operator.custom_code or 'it'}", node.where, 1.0)


def is_trailing_postprocess(node: Node) -> bool:
    return node.operator.custom_code == POSTPROCESS and not any(True for _ in node.graph.flow.after(node.index))


def stablehlo(node: Node) -> str:
    return f"{node.name} is no integer builtin" if node.name.startswith("STABLEHLO_") else ""


def shapes(case: Case) -> Iterator[Hit]:
    graph = case.graph
    for tensor in graph.main.tensors:
        where = f"tensor {tensor.index} ({tensor.name})"
        if -1 in tensor.shape_signature or any(d < 0 for d in tensor.shape):
            yield Hit(f"the shape signature is {list(tensor.shape_signature or tensor.shape)}", where, 1.0)
        elif graph.is_activation(tensor) and 0 in tensor.shape:
            yield Hit(f"the shape is {list(tensor.shape)}", where, 1.0)
        elif tensor.index in graph.main.inputs and not tensor.shape:
            yield Hit("the input has no dimensions", where, 1.0)


def wide_integers(case: Case) -> Iterator[Hit]:
    for node in case.graph.nodes:
        for tensor in node.touched:
            if tensor.dtype == "int64":
                yield Hit(f"{tensor.name} is int64", node.where, case.graph.share((node,)))
                break


def attention(node: Node) -> str:
    """A product of two activations, one of which comes from a softmax; or a deformable convolution."""
    if "deform" in node.operator.custom_code.lower():
        return f"{node.operator.custom_code} is a deformable convolution"
    if node.name not in ("BATCH_MATMUL", "FULLY_CONNECTED") or len(node.data) < 2:
        return ""
    sources = [_source(node, position) for position in range(2)]
    return "attention: a product of two activations behind a SOFTMAX" if "SOFTMAX" in sources else ""


def _source(node: Node, position: int) -> str:
    """The operator that computes an operand, seen through those that only move or rescale values."""
    tensor = node.data[position]
    for _ in range(8):
        producer = node.graph.producer(tensor)
        if producer is None or producer.name not in PASSING or not producer.data:
            return producer.name if producer is not None else ""
        tensor = producer.data[0]
    return ""


def memory(case: Case) -> Iterator[Hit]:
    ram = float(case.target.details.get("ram_mb", 1024)) * 2**20
    if case.artifact.bytes > ram / 4:
        share = f"{case.artifact.bytes / 2**20:.0f} MiB of {ram / 2**20:.0f} MiB"
        yield Hit(f"{share}", cost=0.1)


def suppression(node: Node) -> str:
    return f"{node.name} runs on the CPU" if node.name.startswith("NON_MAX_SUPPRESSION") else ""


def never(case: Case) -> Iterable[Hit]:
    """TFL-001 is found while reading: a file that reaches the rules has kept it."""
    return ()


CHECKS: Mapping[str, Check] = {
    "TFL-001": never,
    "TFL-002": control_flow,
    "TFL-003": per_operator(flex),
    "TFL-004": custom,
    "TFL-005": per_operator(stablehlo),
    "TFL-006": shapes,
    "TFL-022": wide_integers,
    "TFL-025": per_operator(attention),
    "TFL-026": memory,
    "TFL-027": per_operator(suppression),
}
