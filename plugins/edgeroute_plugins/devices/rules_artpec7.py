"""ARTPEC-7's rules on the file before and after compilation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgeroute.types import Severity
from edgeroute_plugins.devices import limits7
from edgeroute_plugins.devices.cases import Case, Check, Hit, judged
from edgeroute_plugins.devices.edgetpu_package import Package
from edgeroute_plugins.devices.graph import CONVOLUTIONS, EDGETPU, INT8, Graph, Node, elements
from edgeroute_plugins.devices.judge import ACCELERATOR, BEHIND, leaving
from edgeroute_plugins.devices.rules_quant import weighted
from edgeroute_plugins.devices.tables import table

LOST = 0.9
"""Above this share of MACs behind the cut the Edge TPU is as good as unused."""


def limits() -> Mapping[str, int]:
    values: Mapping[str, int] = table("artpec7")["limits"]
    return values


def compiled_parts(graph: Graph) -> tuple[Node, ...]:
    return tuple(n for n in graph.nodes if n.operator.custom_code == EDGETPU)


def compiled_or_not(case: Case) -> Iterator[Hit]:
    """A file on its way to the compiler (`context["phase"] == "before-compile"`) may be uncompiled."""
    parts = compiled_parts(case.graph)
    if case.target.name == "artpec7":
        if not parts and case.context.get("phase") != "before-compile":
            yield Hit("it is not compiled for the Edge TPU (what follows tells what the compiler would do)", cost=1.0)
    elif parts:
        yield Hit("it is compiled for the Edge TPU, which this device has not", parts[0].where, 1.0)


def cut(case: Case) -> Iterator[Hit]:
    """The operator that ends the Edge TPU part, with what is lost behind it."""
    behind = [j.node for j in case.judgements if any(code == BEHIND for code, _ in j.reasons)]
    mapped = [j.node for j in case.judgements if j.place == ACCELERATOR]
    if not mapped:
        if case.judgements:
            yield Hit("no operator can be mapped", cost=1.0, severity=Severity.ERROR)
        return
    after = leaving(case.judgements)
    if not after:
        return
    first = after[0]
    lost = case.graph.share(tuple(j.node for j in after))
    reason = "; ".join(what for _, what in first.reasons)
    text = f"{reason}; {len(mapped)} operators stay on the Edge TPU, {len(after)} leave it from here on ({lost:.0%} of the MACs"
    tail = f", {len(behind)} of them could have been mapped)" if behind else ")"
    yield Hit(f"{first.node.where}, {text}{tail}", first.node.where, max(lost, 0.01), Severity.ERROR if lost > LOST else None)


def unmapped(case: Case) -> Iterator[Hit]:
    """With what maps in place of the operator, where that is known."""
    for judgement in case.judgements:
        for what in (what for code, what in judgement.reasons if code == "A7-018"):
            known = limits7.instead(judgement.node)
            remedy = f"Use {known} in place of {judgement.node.name}." if known else ""
            yield Hit(what, judgement.node.where, case.graph.share((judgement.node,)), remedy=remedy)


def large(case: Case) -> Iterator[Hit]:
    most = limits()["large_elements"]
    for node in case.graph.nodes:
        if node.name in ("RESHAPE", "MEAN") and node.x is not None and elements(node.x) > most:
            yield Hit(f"{elements(node.x)} elements", node.where, 0.05)


def parameter_bytes(graph: Graph) -> int:
    """Bytes of 8-bit constants and 32-bit biases, each buffer once."""
    seen: dict[int, int] = {}
    for node in graph.nodes:
        for tensor in node.constants:
            if tensor.dtype in INT8 or (tensor is node.bias and tensor.dtype == "int32"):
                seen[tensor.buffer] = len(tensor.data)
    return sum(seen.values())


def cache(case: Case) -> Iterator[Hit]:
    most, size = limits()["cache_bytes"], parameter_bytes(case.graph)
    if size > most:
        yield Hit(f"{size / 2**20:.2f} MiB of parameters, of which {most / 2**20:.0f} MiB fit", cost=(size - most) / size)


def versions(case: Case) -> Iterator[Hit]:
    yield from judged("A7-019")(case)
    for node in case.graph.nodes:
        if what := limits7.newer_than_compiler(node):
            yield Hit(what, node.where, 0.5, Severity.WARNING)


def per_tensor(case: Case) -> Iterator[Hit]:
    layers = [n for n in weighted(case.graph) if n.name in CONVOLUTIONS and n.weights is not None and n.weights.dtype == "int8"]
    if layers and not any(n.weights.is_per_channel for n in layers if n.weights is not None):
        yield Hit(f"{len(layers)} convolutions with one scale each", cost=0.05)


def readable(case: Case) -> list[Package]:
    return [p for p in case.packages if isinstance(p, Package)]


def runtime(case: Case) -> Iterator[Hit]:
    """Of a compiled file its package; before compilation, and only where a runtime was named, the operators' rows of the table."""
    named = case.runtime.get("edgetpu", "")
    for node in case.graph.nodes if named.isdigit() else ():
        first = table("artpec7")["operators"].get(node.name, {}).get("runtime", 0)
        if first > int(named):
            yield Hit(f"{node.name} is mapped from runtime {first} on; runtime {named} was named", node.where, case.graph.share((node,)))
    has = int(named) if named.isdigit() else limits()["safe_runtime"]
    for package in readable(case):
        if package.min_runtime > has:
            what = f"runtime {has} was named" if named else f"{has} is the safe request, and the camera's runtime is not published"
            yield Hit(f"the package needs runtime {package.min_runtime}; {what}", cost=0.6)


def leftovers(case: Case) -> Iterator[Hit]:
    rest = [n for n in case.graph.nodes if n.operator.custom_code != EDGETPU]
    for node in rest if compiled_parts(case.graph) else ():
        yield Hit("runs on the CPU", node.where, 1 / len(case.graph.nodes))


def parts(case: Case) -> Iterator[Hit]:
    count = len(compiled_parts(case.graph))
    if count != 1:
        yield Hit(f"{count} edgetpu-custom-op", cost=1.0)
    for package in case.packages:
        if isinstance(package, str):
            yield Hit(package, EDGETPU, 1.0)


def streaming(case: Case) -> Iterator[Hit]:
    for package in readable(case):
        if package.streamed_bytes:
            whole = package.streamed_bytes + package.cached_bytes
            yield Hit(f"{package.streamed_bytes} of {whole} bytes", EDGETPU, package.streamed_bytes / whole)


CHECKS: Mapping[str, Check] = {
    "A7-001": compiled_or_not,
    "A7-005": cut,
    "A7-016": large,
    "A7-017": cache,
    "A7-018": unmapped,
    "A7-019": versions,
    "A7-020": per_tensor,
    "A7-021": runtime,
    "A7-022": leftovers,
    "A7-023": parts,
    "A7-024": streaming,
    **{code: judged(code) for code in (*limits7.LIMITS, "A7-003", "A7-004")},
}
