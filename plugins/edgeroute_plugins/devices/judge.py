"""Where every operator runs: on the accelerator, on the CPU, or nowhere; and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from edgeroute.types import Target
from edgeroute_plugins.devices import limits7, limits8, limits9
from edgeroute_plugins.devices.cases import Judgement
from edgeroute_plugins.devices.graph import EDGETPU, FLOATS, INT8, POSTPROCESS, Graph, Node
from edgeroute_plugins.devices.rules_structure import CONTROL, is_custom, is_flex
from edgeroute_plugins.devices.tables import artpec8_status, table

Reasons = tuple[tuple[str, str], ...]
ACCELERATOR, CPU, REFUSED = "accelerator", "cpu", "refused"
BEHIND = "A7-005"
"""The reason of an operator that could be mapped, and is lost with the one before it."""


def judge(graph: Graph, target: Target) -> tuple[Judgement, ...]:
    """One judgement per operator, in execution order. `details["judge"]` of the target names the accelerator."""
    how = JUDGES.get(str(target.details.get("judge", "")), _everything_integer)
    return how(graph)


def refusals(node: Node) -> Reasons:
    """Why an operator can run nowhere on a camera."""
    code = node.operator.custom_code
    if is_flex(node):
        return (("TFL-003", f"{code} needs TensorFlow"),)
    if is_custom(node) and code != POSTPROCESS:
        return (("TFL-004", f"the firmware does not know {code or 'this custom operator'}"),)
    if node.name.startswith("STABLEHLO_"):
        return (("TFL-005", f"{node.name} is no integer builtin"),)
    return (("TFL-002", f"{node.name} is control flow or a variable"),) if node.name in CONTROL else ()


def types(node: Node) -> Reasons:
    """Operands that an accelerator does not compute on."""
    for tensor in node.touched or node.outputs:
        if tensor.dtype in FLOATS:
            return (("TFL-008", f"{tensor.name} is {tensor.dtype}"),)
        if tensor.dtype == "int16" and not tensor.is_variable:
            return (("TFL-011", f"{tensor.name} is int16"),)
        if tensor.dtype not in (*INT8, "int16"):
            return (("TFL-022", f"{tensor.name} is {tensor.dtype}"),)
    return ()


def _artpec7(graph: Graph) -> tuple[Judgement, ...]:
    """One Edge TPU part: what can be mapped and depends on nothing that broke the part off.

    Execution order alone says too little: of MoveNet, operators that come after the first unmapped one but do not depend
    on it are in the compiled part.
    """
    alone = [_alone7(node) for node in graph.nodes]
    mappable = [j.node.index for j in alone if j.place == ACCELERATOR]
    after = graph.flow.downstream(mappable)
    breaks = [j.node for j in alone if j.place != ACCELERATOR and j.node.index in after]
    behind = {index: cut for cut in reversed(breaks) for index in graph.flow.downstream([cut.index])}
    return tuple(_behind(j, behind[j.node.index]) if j.node.index in behind and j.place == ACCELERATOR else j for j in alone)


def leaving(judgements: tuple[Judgement, ...]) -> tuple[Judgement, ...]:
    """What the compiler leaves to the CPU behind the Edge TPU part, the operator that ends it first; not what stays in front."""
    if not judgements:
        return ()
    flow = judgements[0].node.graph.flow
    after = flow.downstream([j.node.index for j in judgements if j.place == ACCELERATOR])
    return tuple(j for j in judgements if j.place != ACCELERATOR and j.node.index in after)


def _behind(judgement: Judgement, cut: Node) -> Judgement:
    return Judgement(judgement.node, CPU, ((BEHIND, f"it comes after {cut.where}, where the Edge TPU part ends"),), judgement.certainty)


def _alone7(node: Node) -> Judgement:
    if node.operator.custom_code == EDGETPU:
        return Judgement(node, ACCELERATOR)
    if refused := refusals(node):
        return Judgement(node, REFUSED, refused)
    reasons = [*types(node), *_reasons(limits7.OFF, node)]
    entry = table("artpec7")["operators"].get(node.name, {})
    reasons += _reasons({code: limits7.LIMITS[code] for code in entry.get("limits", ())}, node)
    return Judgement(node, CPU if reasons else ACCELERATOR, tuple(reasons), entry.get("certainty", "inferred"))


def _reasons(checks: Mapping[str, Callable[[Node], str]], node: Node) -> Iterator[tuple[str, str]]:
    for code, check in checks.items():
        if what := check(node):
            yield code, what


def _artpec8(graph: Graph) -> tuple[Judgement, ...]:
    """Optimistic: only float, custom and VeriSilicon's "no" leave the DLPU; doubts are kept as reasons of operators that stay."""
    found = []
    for node in graph.nodes:
        refused = refusals(node)
        status = artpec8_status().get(node.name, "silent")
        reasons = (*types8(node), *_reasons(limits8.OPERATORS, node))
        certainty = {"listed": "documented", "observed": "observed"}.get(status, "inferred")
        off = any(code in ("TFL-008", "A8-002", "A8-017") for code, _ in reasons)
        found.append(Judgement(node, REFUSED if refused else CPU if off else ACCELERATOR, refused or reasons, certainty))
    return tuple(found)


def types8(node: Node) -> Reasons:
    """Only float operands certainly leave ARTPEC-8's DLPU: index and shape arithmetic on int32 stays."""
    return tuple(r for r in types(node) if r[0] == "TFL-008")


def pessimistic8(judgement: Judgement) -> bool:
    """Whether any doubt at all puts an operator on the CPU."""
    return judgement.place != ACCELERATOR or bool(judgement.reasons)


def _artpec9(graph: Graph) -> tuple[Judgement, ...]:
    operators = table("artpec9")["operators"]
    found = []
    for node in graph.nodes:
        refused = refusals(node)
        reasons = refused or tuple(_reasons(limits9.OPERATORS, node))
        place = REFUSED if refused else CPU if reasons else ACCELERATOR
        found.append(Judgement(node, place, reasons, operators.get(node.name, {}).get("certainty", "documented")))
    return tuple(found)


def _everything_integer(graph: Graph) -> tuple[Judgement, ...]:
    """For accelerators without a published table (ARTPEC-7's GPU): integers run there, as far as anybody knows."""
    found = []
    for node in graph.nodes:
        refused = refusals(node)
        reasons = refused or types(node)
        found.append(Judgement(node, REFUSED if refused else CPU if reasons else ACCELERATOR, reasons, "unverified"))
    return tuple(found)


def _cpu(graph: Graph) -> tuple[Judgement, ...]:
    """Control flow and newer builtins run on the CPU; what TFLite alone does not know, runs nowhere."""
    found = []
    for node in graph.nodes:
        reasons = tuple(r for r in refusals(node) if r[0] in ("TFL-003", "TFL-004"))
        found.append(Judgement(node, REFUSED if reasons else CPU, reasons))
    return tuple(found)


JUDGES: Mapping[str, Callable[[Graph], tuple[Judgement, ...]]] = {
    "artpec7": _artpec7,
    "artpec8": _artpec8,
    "artpec9": _artpec9,
    "gpu": _everything_integer,
    "cpu": _cpu,
}
