"""What a check works on, what it answers, and how answers become findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeroute.rules import Rule
from edgeroute.types import Artifact, Finding, Severity, Target
from edgeroute_plugins.devices.edgetpu_package import Package
from edgeroute_plugins.devices.graph import Graph, Node

SHOWN = 4
"""How many places of one finding are spelled out."""


@dataclass(frozen=True)
class Hit:
    """One violation of a rule, before it becomes (a part of) a finding."""

    what: str
    where: str = ""
    cost: float = 0.0
    severity: Severity | None = None
    """Instead of the rule's own."""
    remedy: str = ""
    """Instead of the rule's own."""


@dataclass(frozen=True)
class Judgement:
    """Where one operator runs, and why not on the accelerator."""

    node: Node
    place: str
    """accelerator, cpu or refused."""
    reasons: tuple[tuple[str, str], ...] = ()
    """(rule code, what) of everything that keeps it off."""
    certainty: str = "documented"


@dataclass(frozen=True)
class Case:
    """A file, the device, and what is known about both."""

    artifact: Artifact
    target: Target
    context: Mapping[str, Any]
    phase: str
    """before-compile or after-compile."""
    graph: Graph
    judgements: tuple[Judgement, ...] = ()
    packages: tuple[Package | str, ...] = ()
    """Per `edgetpu-custom-op`: what its package says, or why that cannot be read."""
    runtime: Mapping[str, str] = field(default_factory=dict)


Check = Callable[[Case], Iterable[Hit]]
"""A rule on the file as a whole."""
OperatorCheck = Callable[[Node], str]
"""A rule on one operator: what is wrong with it, or nothing."""


def per_operator(check: OperatorCheck) -> Check:
    """The rule on a file whose hits are those of an operator's check, weighed by the operator's share of the model."""

    def run(case: Case) -> Iterable[Hit]:
        for node in case.graph.nodes:
            if what := check(node):
                yield Hit(what, node.where, case.graph.share((node,)))

    return run


def judged(code: str) -> Check:
    """The rule on a file whose hits are the judge's reasons with this code."""

    def run(case: Case) -> Iterable[Hit]:
        for judgement in case.judgements:
            for reason, what in judgement.reasons:
                if reason == code:
                    yield Hit(what, judgement.node.where, case.graph.share((judgement.node,)))

    return run


def findings(rule: Rule, target: str, hits: Iterable[Hit]) -> list[Finding]:
    """One finding per severity and remedy, so that sixty convolutions with one flaw stay one line."""
    groups: dict[tuple[Severity, str], list[Hit]] = defaultdict(list)
    for hit in hits:
        groups[hit.severity or rule.weight(target), hit.remedy or rule.remedy].append(hit)
    return [_finding(rule, severity, remedy, group) for (severity, remedy), group in groups.items()]


def _finding(rule: Rule, severity: Severity, remedy: str, hits: list[Hit]) -> Finding:
    return Finding(
        code=rule.code,
        severity=severity,
        message=f"{rule.title}: {_listed(_told(hits))}",
        remedy=remedy,
        where=_listed(list(dict.fromkeys(h.where for h in hits if h.where)), ", ", 12),
        cost=min(1.0, sum(h.cost for h in hits)),
    )


def _told(hits: list[Hit]) -> list[str]:
    """What is wrong, equal things counted and unequal ones with their place."""
    groups: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        groups[hit.what].append(hit)
    if len(groups) == 1:
        return [f"{hits[0].what} ({len(hits)} times)" if len(hits) > 1 else hits[0].what]
    return [
        f"{len(group)} times {what}" if len(group) > 1 else f"{group[0].where}: {what}".removeprefix(": ") for what, group in groups.items()
    ]


def _listed(items: list[str], separator: str = "; ", shown: int = SHOWN) -> str:
    text = separator.join(items[:shown])
    return f"{text}{separator}and {len(items) - shown} more" if len(items) > shown else text
