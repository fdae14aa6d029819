"""A file held against OpenVINO's rules: one function per rule, by its code. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from edgeroute.rules import finding, rules_of
from edgeroute.types import Artifact, Target, ValidationReport

Breach: TypeAlias = tuple[str, str, float]
"""What, where, and what it costs (0..1)."""
SHOWN = 5


def check(artifact: Artifact, target: Target) -> ValidationReport:
    """Every breach, as a finding with the rule's own remedy."""
    found = [
        finding(rule, target, message, where, cost)
        for rule in rules_of(target)
        if rule.code in BREACHES
        for message, where, cost in BREACHES[rule.code](artifact)
    ]
    return ValidationReport(target.name, artifact.path, artifact.format, tuple(found))


def open_shapes(artifact: Artifact) -> Iterator[Breach]:
    names = [t.name for t in artifact.facts.inputs if not t.is_static]
    if names:
        yield f"{', '.join(names)} leaves dimensions open", names[0], 0.2


def left_in_float(artifact: Artifact) -> Iterator[Breach]:
    left = list(artifact.facts.details.get("float_layers", ()))
    heavy = int(artifact.facts.details.get("heavy_layers", 0))
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        yield f"{len(left)} of {heavy} heavy layers: {', '.join(left[:SHOWN])}{more}", left[0], len(left) / max(heavy, 1)


def all_in_float(artifact: Artifact) -> Iterator[Breach]:
    if not artifact.facts.operators.get("FakeQuantize"):
        yield "", artifact.path.name, 0.5


def extensions(artifact: Artifact) -> Iterator[Breach]:
    foreign = [o for o in artifact.facts.details.get("opsets", ()) if o and not o.startswith("opset") and o not in KNOWN]
    if foreign:
        yield f"operators of {', '.join(foreign)}", artifact.path.name, 1.0


KNOWN = ("experimental", "ie_internal_opset", "util")
"""What every release of the runtime brings along beside the numbered operator sets."""
BREACHES: Mapping[str, Callable[[Artifact], Iterator[Breach]]] = {
    "OV-001": extensions,
    "OV-002": left_in_float,
    "OV-003": all_in_float,
    "OV-004": open_shapes,
}
