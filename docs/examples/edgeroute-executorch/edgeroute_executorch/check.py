"""A program held against the rules: one function per rule, by its code. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from edgeroute.rules import finding, rules_of
from edgeroute.types import Artifact, Target, ValidationReport

Breach: TypeAlias = tuple[str, str, float]
"""What, where, and what it costs (0..1)."""
CHEAP = ("_copy", "view", "permute", "squeeze", "unsqueeze", "slice", "select", "clone", "et_view", "dim_order")
"""Parts of the names of kernels that only move data."""


def check(artifact: Artifact, target: Target) -> ValidationReport:
    """Every breach, as a finding with the rule's own remedy."""
    found = [
        finding(rule, target, message, where, cost)
        for rule in rules_of(target)
        if rule.code in BREACHES
        for message, where, cost in BREACHES[rule.code](artifact)
    ]
    return ValidationReport(target.name, artifact.path, artifact.format, tuple(found))


def outside(artifact: Artifact) -> Iterator[Breach]:
    kernels = [name for name in artifact.facts.operators if not any(part in name for part in CHEAP)]
    if kernels and artifact.facts.details.get("delegates"):
        yield f"{len(kernels)} kinds: {', '.join(sorted(kernels)[:6])}", kernels[0], min(1.0, 0.1 * len(kernels))


def no_delegate(artifact: Artifact) -> Iterator[Breach]:
    if "delegates" in artifact.facts.details and not artifact.facts.details["delegates"]:
        yield "", artifact.path.name, 1.0


def foreign_delegate(artifact: Artifact) -> Iterator[Breach]:
    foreign = sorted(set(artifact.facts.details.get("delegates", ())) - {"XnnpackBackend"})
    if foreign:
        yield ", ".join(foreign), artifact.path.name, 1.0


def in_float(artifact: Artifact) -> Iterator[Breach]:
    if artifact.facts.details.get("quantized") is False:
        yield "", artifact.path.name, 0.3


BREACHES: Mapping[str, Callable[[Artifact], Iterator[Breach]]] = {
    "ET-001": foreign_delegate,
    "ET-002": no_delegate,
    "ET-003": outside,
    "ET-004": in_float,
}
