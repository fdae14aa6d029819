"""ARTPEC-8's rules on the file as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from edgeroute.types import Severity
from edgeroute_plugins.devices import limits8
from edgeroute_plugins.devices.cases import Case, Check, Hit, Judgement, judged, per_operator
from edgeroute_plugins.devices.graph import CONVOLUTIONS, INT8, Graph, Node
from edgeroute_plugins.devices.judge import ACCELERATOR, pessimistic8
from edgeroute_plugins.devices.rules_quant import weighted
from edgeroute_plugins.devices.rules_structure import is_custom
from edgeroute_plugins.devices.tables import table
from edgeroute_plugins.tflite.analysis import analyse

RARE_ZEROS = frozenset({"LEAKY_RELU", "HARD_SWISH", "ELU", "GELU"})
SAMPLED = 1 << 20
"""How many bytes of a weight tensor are looked at for zeros."""


def limit(name: str) -> float:
    return float(table("artpec8")["limits"][name])


def runs(judgements: tuple[Judgement, ...], on_cpu: Callable[[Judgement], bool]) -> int:
    """Maximal runs of device and CPU operators in execution order: what the device counts as graph partitions."""
    places = [on_cpu(j) for j in judgements]
    return sum(1 for i, place in enumerate(places) if i == 0 or place != places[i - 1])


def partitions(judgements: tuple[Judgement, ...]) -> tuple[int, int]:
    """Optimistic and pessimistic estimate."""
    return runs(judgements, lambda j: j.place != ACCELERATOR), runs(judgements, pessimistic8)


def too_many_partitions(case: Case) -> Iterator[Hit]:
    most = int(limit("partitions"))
    optimistic, pessimistic = partitions(case.judgements)
    if optimistic > most:
        yield Hit(f"{optimistic} at least ({most} are allowed)", cost=1.0)
    elif pessimistic > most:
        yield Hit(
            f"up to {pessimistic} if every doubtful operator runs on the CPU ({most} are allowed; {optimistic} at best)",
            cost=0.4,
            severity=Severity.WARNING,
        )


def not_integer(case: Case) -> Iterator[Hit]:
    """Float tails and heads are TFL-009's."""
    verdict = analyse(case.graph.model)
    excused = {p.index for p in (*verdict.float_tail, *verdict.float_head) if p.subgraph == 0}
    for hit, judgement in ((h, j) for j in case.judgements if j.node.index not in excused for h in _with_code(j, "A8-002")):
        yield Hit(hit, judgement.node.where, case.graph.share((judgement.node,)))


def _with_code(judgement: Judgement, code: str) -> Iterator[str]:
    return (what for reason, what in judgement.reasons if reason == code)


def per_channel(case: Case) -> Iterator[Hit]:
    found = [t for t in case.graph.main.tensors if t.is_per_channel]
    if found:
        layers = tuple(n for n in case.graph.nodes if n.weights is not None and n.weights.is_per_channel)
        yield Hit(f"{len(found)} tensors with more than one scale", found[0].name, max(0.1, case.graph.share(layers)))


def depthwise(case: Case) -> Iterator[Hit]:
    found = tuple(n for n in case.graph.nodes if n.name == "DEPTHWISE_CONV_2D")
    share = case.graph.share(found) if case.graph.macs else 0.0
    if share > 0.5:
        yield Hit(f"{share:.0%} of the MACs", cost=0.3 * share)


def advice(check: Callable[[Node], str], weight: float) -> Check:
    """A tip per operator; what it costs is a fraction of the operator's share."""

    def run(case: Case) -> Iterator[Hit]:
        for node in case.graph.nodes:
            if what := check(node):
                yield Hit(what, node.where, weight * case.graph.share((node,)))

    return run


def stride(node: Node) -> str:
    high, wide = node.strides
    return f"{high}x{wide}" if node.name in CONVOLUTIONS and not {high, wide} <= {1, 2} else ""


def is_head(graph: Graph, node: Node) -> bool:
    """Whether no other convolution or dense layer follows."""
    return not any(
        graph.nodes[i].name in CONVOLUTIONS or graph.nodes[i].name == "FULLY_CONNECTED" for i in graph.flow.downstream([node.index])
    )


def odd_channels(node: Node, multiple: int) -> str:
    """Output channels of a convolution that is no head; depthwise ones follow their input."""
    if node.name not in ("CONV_2D", "TRANSPOSE_CONV") or node.y is None or not node.y.shape or is_head(node.graph, node):
        return ""
    return f"{node.y.shape[-1]} channels" if node.y.shape[-1] % multiple else ""


def six_channels(node: Node) -> str:
    return odd_channels(node, int(limit("channels")))


def rare_zeros(node: Node) -> str:
    if node.name in RARE_ZEROS:
        return node.name
    makers = [node.graph.producer(t) for t in node.data] if node.name == "MUL" else []
    return "SiLU" if any(m is not None and m.name == "LOGISTIC" and m.x in node.data for m in makers) else ""


def sparsity(case: Case) -> Iterator[Hit]:
    zeros = total = 0
    for node in weighted(case.graph):
        weights = node.weights
        if weights is None or weights.dtype not in INT8 or (weights.is_per_channel and any(weights.zero_point)):
            continue
        raw = bytes(weights.data[:SAMPLED])
        zeros += raw.count((weights.zero_point[0] if weights.zero_point else 0) & 0xFF)
        total += len(raw)
    if total and zeros / total < limit("zero_share"):
        yield Hit(f"{zeros / total:.0%} of the weights are zero", cost=0.02)


def trailing_custom(case: Case) -> Iterator[Hit]:
    last = case.graph.nodes[-1] if case.graph.nodes else None
    if last is not None and is_custom(last):
        yield Hit(f"{last.operator.custom_code} is the last operator", last.where, 0.05)


CHECKS: Mapping[str, Check] = {
    "A8-001": too_many_partitions,
    "A8-002": not_integer,
    "A8-003": per_channel,
    "A8-005": depthwise,
    "A8-006": advice(limits8.kernel, 0.1),
    "A8-007": advice(stride, 0.1),
    "A8-008": advice(six_channels, 0.2),
    "A8-009": per_operator(rare_zeros),
    "A8-010": sparsity,
    "A8-011": trailing_custom,
    **{code: judged(code) for code in ("A8-004", "A8-014", "A8-015", "A8-016", "A8-017")},
}
