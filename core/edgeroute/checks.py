"""Artifact + target → ValidationReport: every plugin that knows the device answers; core adds what it measured itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edgeroute.plugins import Plugin
from edgeroute.rules import rules_of
from edgeroute.types import Artifact, Finding, Severity, Target, ValidationReport
from edgeroute.workshop import Workshop

BEFORE = "before-compile"


def check_artifact(workshop: Workshop, artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport:
    """Hold a file against a device. Findings come in order of weight.

    With `context["phase"] == "before-compile"` the file is on its way to the device's compiler, and need not be of a kind that it loads.
    """
    before = {p.name for p in workshop.plugins.loaded}
    answers: list[ValidationReport] = [a for _, a in workshop.plugins.each("check", artifact=artifact, target=target, context=context)]
    findings = [f for a in answers for f in a.findings]
    crashed = _crashed(p for p in workshop.plugins.all if p.name in before and p.status == "broken")
    findings += crashed or ([] if answers else _unapplied(target))
    findings += [] if context.get("phase") == BEFORE or _said_already(findings, target) else _format(workshop, artifact, target)
    return ValidationReport(
        target.name,
        artifact.path,
        artifact.format,
        tuple(sorted(findings, key=lambda f: (f.severity.rank, -f.cost, f.code, f.where))),
        _merged(a.placement for a in answers),
        _merged(a.certificate for a in answers),
    )


def _crashed(plugins: Iterable[Plugin]) -> list[Finding]:
    """A check that could not be made is not a check that was passed."""
    return [
        Finding(
            "check-crashed",
            Severity.ERROR,
            f"the rules of the plugin {p.name} could not be applied: {p.reason}",
            f"tell its author, or do without: EDGEROUTE_DISABLE={p.name}",
        )
        for p in plugins
    ]


def _unapplied(target: Target) -> list[Finding]:
    """Nobody answered for a device that has rules. Raises PluginError where they cannot be read."""
    if not rules_of(target):
        return []
    return [
        Finding(
            "rules-unapplied",
            Severity.ERROR,
            f"the rules of {target.name} were not applied: no plugin answers for it",
            f"tell the author of the plugin that brings {target.name}: its edgeroute_check() has to",
        )
    ]


def _accepted(workshop: Workshop, artifact: Artifact, target: Target) -> bool:
    """Whether the device loads such files, be it that no route aims at them (`details["tolerates"]`)."""
    formats = (*target.accepts, *target.details.get("tolerates", ()))
    return any(workshop.catalog.is_a(artifact.format, accepted) for accepted in formats)


def _said_already(findings: Iterable[Finding], target: Target) -> bool:
    """Whether a rule of the device's own (`details["format_rules"]`) refuses the kind of file, in better words."""
    codes = target.details.get("format_rules", ())
    return any(f.code in codes and f.severity == Severity.ERROR for f in findings)


def _format(workshop: Workshop, artifact: Artifact, target: Target) -> list[Finding]:
    """The finding for a kind of file that the device does not load."""
    if _accepted(workshop, artifact, target):
        return []
    return [
        Finding(
            "format-not-accepted",
            Severity.ERROR,
            f"{target.name} loads {', '.join(target.accepts)}; this file is {artifact.format}",
            f"convert it: edgeroute convert {artifact.path.name} --to {target.name}",
            where=artifact.path.name,
            cost=1.0,
        )
    ]


def _merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        whole.update(part)
    return whole
