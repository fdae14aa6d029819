"""Versions, and what verification measured: TFL-017, TFL-021, TFL-023, TFL-024, CPU-*, A8-018."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from edgeroute.types import Severity, Verification
from edgeroute_plugins.devices.cases import Case, Check, Hit, per_operator
from edgeroute_plugins.devices.graph import FLOATS, POSTPROCESS, WEIGHTED, Node
from edgeroute_plugins.devices.rules_structure import is_custom, is_flex
from edgeroute_plugins.devices.tables import newer, release, table

DOES_NOT_RUN = "TFL-017"
DEAD = frozenset({"TFL-021", "dead-group"})
"""Codes under which verification reports an output, or a group of channels, that died."""


def verification(case: Case) -> Verification | None:
    value = case.context.get("verification")
    return value if isinstance(value, Verification) else None


def does_not_run(case: Case) -> Iterator[Hit]:
    measured = verification(case)
    for finding in measured.findings if measured else ():
        if finding.code == DOES_NOT_RUN:
            yield Hit(finding.message, finding.where, 1.0, remedy=finding.remedy)


def dead_outputs(case: Case) -> Iterator[Hit]:
    """Constant outputs and channel groups, as verification measured them against the float model."""
    measured = verification(case)
    if measured is None:
        return
    seen = [f for f in measured.findings if f.code in DEAD]
    for finding in seen:
        yield Hit(finding.message, finding.where, finding.cost, finding.severity, finding.remedy)
    for output in measured.outputs if not seen else ():
        if output.dead_groups or output.spread == 0:
            groups = f" (groups {', '.join(output.dead_groups)})" if output.dead_groups else ""
            yield Hit(f"constant although the float model's is not{groups}", f"output {output.name}", 1.0)


def dead_per_tensor(case: Case) -> Iterator[Hit]:
    if not any(t.is_per_channel for t in case.graph.main.tensors):
        for hit in dead_outputs(case):
            yield Hit(hit.what, hit.where, 0.9)


def file_needs(case: Case) -> Iterator[Hit]:
    """The file's own word on the TFLite that it needs, against the one that was named."""
    has = case.runtime.get("tflite", "")
    needs = case.graph.model.metadata.get("min_runtime_version", b"").split(b"\0")[0].decode("ascii", "replace")
    if newer(needs, has):
        yield Hit(f"it needs {needs}, the runtime has {has}", "metadata min_runtime_version", 0.5)


def operator_versions(case: Case) -> Iterator[Hit]:
    """Against the named runtime: an error. Without one: above what Axis' files declare a warning, unseen but older a tip."""
    has, versions = case.runtime.get("tflite", ""), table("versions")
    for (name, version), node in _versions(case).items():
        first = release(name, version)
        what = f"version {version}" + (f" came with TFLite {first}" if first else " is in no release that edgeroute knows")
        if has:
            if newer(first, has):
                remedy = f"Convert with a converter that writes for TFLite {has} (an older release of TensorFlow), or upgrade the firmware."
                yield Hit(f"{what}, the runtime has {has}", node.where, 1.0, Severity.ERROR, remedy)
        elif version > versions["seen"].get(name, 1):
            old = first and not newer(first, versions["baseline"])
            yield Hit(what, node.where, 0.02 if old else 0.3, Severity.TIP if old else None)


def _versions(case: Case) -> dict[tuple[str, int], Node]:
    """Operator and version → the first operator that has them."""
    found: dict[tuple[str, int], Node] = {}
    for node in case.graph.nodes:
        if node.name != "CUSTOM":
            found.setdefault((node.name, node.operator.version), node)
    return found


def unknown_to_tflite(node: Node) -> str:
    if is_flex(node) or (is_custom(node) and node.operator.custom_code != POSTPROCESS):
        return f"{node.operator.custom_code or 'CUSTOM'} is no builtin"
    return ""


def float_model(case: Case) -> Iterator[Hit]:
    computing = [n for n in case.graph.nodes if n.name in WEIGHTED]
    floats = [n for n in computing if n.x is not None and n.x.dtype in FLOATS]
    if floats:
        yield Hit(f"{len(floats)} of {len(computing)} convolutions and dense layers compute in float", cost=case.graph.share(tuple(floats)))


def repeated(check: Callable[[Case], Iterator[Hit]]) -> Check:
    """The same hits under another code, with that rule's own remedy."""

    def run(case: Case) -> Iterator[Hit]:
        return (Hit(hit.what, hit.where, hit.cost) for hit in check(case))

    return run


CHECKS: Mapping[str, Check] = {
    "TFL-017": does_not_run,
    "TFL-021": dead_outputs,
    "TFL-023": file_needs,
    "TFL-024": operator_versions,
    "A8-018": dead_per_tensor,
    "CPU-001": per_operator(unknown_to_tflite),
    "CPU-002": repeated(does_not_run),
    "CPU-003": float_model,
}
