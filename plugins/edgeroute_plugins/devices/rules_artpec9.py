"""ARTPEC-9's rules on the file as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgeroute.types import Severity
from edgeroute_plugins.devices import limits9
from edgeroute_plugins.devices.cases import Case, Check, Hit, judged
from edgeroute_plugins.devices.graph import CONVOLUTIONS, Node
from edgeroute_plugins.devices.judge import ACCELERATOR
from edgeroute_plugins.devices.predicates9 import limit
from edgeroute_plugins.devices.rules_artpec8 import advice, odd_channels

PLAIN = frozenset({"NONE", "RELU6"})
LOOSE = frozenset({"RELU", "LEAKY_RELU", "HARD_SWISH", "ELU", "GELU", "PRELU"})
READ_BOTH_WAYS = (
    "Time the file on the camera: Axis' and Arm's documents say VALID with even and SAME with odd sizes, Arm's code says the opposite."
)
INEXACT = "Compare the outputs on the camera with the host's; resize to exactly the double, without align_corners."


def dense_per_channel(case: Case) -> Iterator[Hit]:
    found = [n for n in case.graph.nodes if n.name == "FULLY_CONNECTED" and n.weights is not None and n.weights.is_per_channel]
    for node in found:
        yield Hit("per-channel weights", node.where, case.graph.share((node,)))


def sixteen_channels(node: Node) -> str:
    return odd_channels(node, limit("channels"))


def padding_and_activation(node: Node) -> str:
    if node.name in ("PAD", "PADV2"):
        return "explicit padding"
    if node.name in CONVOLUTIONS and node.activation not in PLAIN:
        return f"it fuses {node.activation}"
    return node.name if node.name in LOOSE else ""


def residual(case: Case) -> Iterator[Hit]:
    graph = case.graph
    for node in graph.nodes:
        if node.name != "ADD" or len(node.data) < 2 or node.y is None or node.y.index in graph.main.outputs:
            continue
        if any(reader.name == "CONV_2D" for reader in graph.consumers(node.y)):
            yield Hit("a sum of two activations feeds a CONV_2D", node.where, 0.05)


def forms(case: Case) -> Iterator[Hit]:
    """Predicates that are broken, and two forms that run but deserve a look."""
    yield from judged("A9-014")(case)
    for judgement in case.judgements:
        node = judgement.node
        if judgement.place == ACCELERATOR and (what := _doubtful_pool(node)):
            yield Hit(what, node.where, 0.05, Severity.TIP, READ_BOTH_WAYS)
        if judgement.place == ACCELERATOR and (what := _inexact_resize(node)):
            yield Hit(what, node.where, 0.05, Severity.TIP, INEXACT)


def _doubtful_pool(node: Node) -> str:
    if node.name == "MAX_POOL_2D" and node.kernel == (3, 3) and node.strides == (2, 2) and node.x is not None:
        return f"3x3 with stride 2, {node.text('padding')}, on {node.x.shape[1]}x{node.x.shape[2]}"
    return ""


def _inexact_resize(node: Node) -> str:
    if node.name not in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR") or node.x is None or node.y is None:
        return ""
    high, wide = (new == 2 * old for old, new in zip(node.x.shape[1:3], node.y.shape[1:3], strict=True))
    if high != wide:
        return "height and width grow differently (double, double less one)"
    aligned = node.name == "RESIZE_BILINEAR" and node.operator.options.get("align_corners")
    return "bilinear with align_corners" if aligned else ""


def mostly_cpu(case: Case) -> Iterator[Hit]:
    share = case.graph.share(tuple(j.node for j in case.judgements if j.place != ACCELERATOR))
    if share > 0.5:
        yield Hit(f"{share:.0%}", cost=0.1)


CHECKS: Mapping[str, Check] = {
    "A9-005": dense_per_channel,
    "A9-006": advice(sixteen_channels, 0.2),
    "A9-007": advice(padding_and_activation, 0.1),
    "A9-009": residual,
    "A9-011": mostly_cpu,
    "A9-014": forms,
    **{code: judged(code) for code in limits9.OPERATORS if code != "A9-014"},
}
