"""Whether the file is int8 all through, and whether its scales are those that kernels assume: TFL-008 to 011, 018 to 020."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgeroute.types import Severity
from edgeroute_plugins.devices.cases import Case, Check, Hit, per_operator
from edgeroute_plugins.devices.fixed import int8_scheme, wrong_output
from edgeroute_plugins.devices.graph import FLOATS, INT8, ROLES, Graph, Node
from edgeroute_plugins.devices.judge import leaving
from edgeroute_plugins.tflite.analysis import Place, analyse
from edgeroute_plugins.tflite.reader import TensorData

SAME_SCALE = frozenset({
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "CONCATENATION",
    "PAD", "SLICE", "STRIDED_SLICE", "GATHER", "PACK", "SPLIT", "TILE", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE",
})  # fmt: skip
COPIED = frozenset({*INT8, "int16"})
RESCALING_UINT8 = frozenset({"CONCATENATION"})
"""Kernels of the uint8 scheme (TensorFlow 1) that rescale their inputs, so that scales may differ."""


def islands(case: Case) -> Iterator[Hit]:
    graph = case.graph
    verdict = analyse(graph.model)
    if not any(node.is_integer and node.name not in ("QUANTIZE", "DEQUANTIZE") for node in graph.nodes):
        yield Hit("no operator computes on 8-bit integers", cost=1.0)
        return
    cut = _cut_before_floats(case) if case.target.name == "artpec7" else set()
    for place in _main(verdict.float_islands):
        node = graph.nodes[place.index]
        harmless = bool(cut & graph.flow.upstream([node.index]))
        severity, cost = (Severity.WARNING, graph.share((node,))) if harmless else (None, max(0.5, graph.share((node,))))
        yield Hit("float between integer operators" + (", behind the Edge TPU part" if harmless else ""), node.where, cost, severity)


def _cut_before_floats(case: Case) -> set[int]:
    """Integer operators that end the Edge TPU part: what comes behind them runs on the CPU anyway, float or not (MoveNet)."""
    return {j.node.index for j in leaving(case.judgements) if not any(t.dtype in FLOATS for t in j.node.touched)}


def _main(places: tuple[Place, ...]) -> list[Place]:
    return [p for p in places if p.subgraph == 0]


def borders(case: Case) -> Iterator[Hit]:
    """Float tails and heads. A DEQUANTIZE right before a float output is a tail without operators."""
    graph, verdict = case.graph, analyse(case.graph.model)
    for places, what in ((verdict.float_tail, "float up to the output"), (verdict.float_head, "float up to the first QUANTIZE")):
        for place in _main(places):
            node = graph.nodes[place.index]
            yield Hit(what, node.where, graph.share((node,)))
    if verdict.float_tail or not verdict.is_quantized:
        return
    for tensor in graph.outputs:
        producer = graph.producer(tensor)
        if tensor.dtype in FLOATS and producer is not None and producer.name == "DEQUANTIZE":
            yield Hit("a float output", producer.where, 0.01)


def weight_only(node: Node) -> str:
    """Quantized constants against float activations, directly (hybrid kernels) or through a DEQUANTIZE; SSD's anchors are none."""
    floats = any(t.dtype in FLOATS for t in node.data) or (node.name == "DEQUANTIZE" and not node.data)
    if not floats or node.name in ("QUANTIZE", "CUSTOM"):
        return ""
    for tensor in node.constants:
        if tensor.dtype in ("int8", "uint8", "int4") and tensor.scale:
            return f"integer weights {tensor.name}, float activations"
    return ""


def wide_activations(case: Case) -> Iterator[Hit]:
    for node in case.graph.nodes:
        bias = node.bias
        if bias is not None and bias.dtype == "int64":
            yield Hit(f"its bias {bias.name} is int64", node.where, case.graph.share((node,)))
        for tensor in node.touched:
            if tensor.dtype == "int16" and not tensor.is_variable:
                yield Hit(f"{tensor.name} is int16", node.where, case.graph.share((node,)))
                break


def scale_relation(node: Node) -> str:
    """An operator that copies values although the scales differ."""
    if node.name not in SAME_SCALE:
        return ""
    for y in node.outputs:
        if y.dtype not in COPIED or (node.name in RESCALING_UINT8 and y.dtype == "uint8"):
            continue
        for tensor in _copied(node):
            if tensor.dtype == y.dtype and not same_parameters(tensor, y):
                return f"({_pair(tensor)}) becomes ({_pair(y)})"
    return ""


def _copied(node: Node) -> tuple[TensorData, ...]:
    """The operands whose values end in the output."""
    if node.name in ("CONCATENATION", "PACK"):
        return tuple(t for t in node.inputs if t is not None)
    return (node.x,) if node.x is not None else ()


def same_parameters(a: TensorData, b: TensorData) -> bool:
    if len(a.scale) != 1 or len(b.scale) != 1:
        return True
    return abs(a.scale[0] - b.scale[0]) <= 1e-6 * max(a.scale[0], b.scale[0]) and a.zero_point == b.zero_point


def _pair(tensor: TensorData) -> str:
    return f"{tensor.scale[0]:g}, {tensor.zero_point[0] if tensor.zero_point else 0}"


def weighted(graph: Graph) -> tuple[Node, ...]:
    """Convolutions and dense layers with constant weights."""
    return tuple(n for n in graph.nodes if n.name in ROLES and n.weights is not None and n.weights in n.constants)


CHECKS: Mapping[str, Check] = {
    "TFL-008": islands,
    "TFL-009": borders,
    "TFL-010": per_operator(weight_only),
    "TFL-011": wide_activations,
    "TFL-018": per_operator(scale_relation),
    "TFL-019": per_operator(wrong_output),
    "TFL-020": per_operator(int8_scheme),
}
