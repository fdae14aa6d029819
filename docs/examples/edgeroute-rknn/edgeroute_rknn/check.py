"""A project or a compiled file held against the rules of a chip: one function per rule, by its code. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from edgeroute.rules import finding, rules_of
from edgeroute.types import Artifact, Target, ValidationReport

Breach: TypeAlias = tuple[str, str, float]
"""What, where, and what it costs (0..1)."""
ENOUGH = 20
TOOLKIT = "rknn"
"""Name in `--runtime`: the version of librknnrt on the board."""


def check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport:
    """Every breach of the rules of this phase, as a finding with the rule's own remedy."""
    phase = "before-compile" if context.get("phase") == "before-compile" or artifact.format == "rknn-project" else "after-compile"
    found = [
        finding(rule, target, message, where, cost)
        for rule in rules_of(target)
        if phase in rule.phase and rule.code in BREACHES
        for message, where, cost in BREACHES[rule.code](artifact, target, context)
    ]
    return ValidationReport(target.name, artifact.path, artifact.format, tuple(found))


def other_chip(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> Iterator[Breach]:
    chips = artifact.facts.details.get("chips", [target.name])
    if target.name not in chips:
        yield f"it was compiled for {', '.join(chips)}", artifact.path.name, 1.0


def few_samples(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> Iterator[Breach]:
    count = artifact.facts.details.get("samples", ENOUGH)
    if count < ENOUGH:
        yield f"{count}", artifact.path.name, 0.2


def older_runtime(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> Iterator[Breach]:
    runtime = dict(context.get("runtime") or {}).get(TOOLKIT, "")
    compiled = str(artifact.facts.details.get("toolkit", ""))
    if runtime and compiled and _version(runtime) < _version(compiled):
        yield f"compiled by {compiled}, the board has {runtime}", artifact.path.name, 1.0


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


BREACHES: Mapping[str, Callable[[Artifact, Target, Mapping[str, Any]], Iterator[Breach]]] = {
    "RK-001": other_chip,
    "RK-002": older_runtime,
    "RK-003": few_samples,
}
