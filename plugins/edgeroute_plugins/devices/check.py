"""A file held against the rules of one of Axis' devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.rules import Rule, rules_of
from edgeroute.types import Artifact, Finding, Target, ValidationReport
from edgeroute_plugins.devices import cavalry
from edgeroute_plugins.devices.cases import Case, Hit, findings
from edgeroute_plugins.devices.edgetpu_package import packages
from edgeroute_plugins.devices.graph import Graph
from edgeroute_plugins.devices.judge import judge
from edgeroute_plugins.devices.placement import placement
from edgeroute_plugins.devices.registry import checks
from edgeroute_plugins.devices.rules_artpec7 import compiled_parts
from edgeroute_plugins.devices.runtime import resolve
from edgeroute_plugins.tflite import reader
from edgeroute_plugins.tflite.certificate import certificate

BEFORE, AFTER = "before-compile", "after-compile"


def check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport | None:
    """Findings, placement and certificate; None for a file that no rule of this device speaks about."""
    if not artifact.path.is_file():
        return None
    if target.details.get("judge") == "cavalry":
        return _check_cavalry(artifact, target, context)
    with artifact.path.open("rb") as file:
        head = file.read(8)
    if not reader.is_tflite(head) and not artifact.format.startswith("tflite"):
        return None
    return _check_tflite(artifact, target, context)


def _check_tflite(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport:
    rules = rules_of(target)
    runtime = resolve(context.get("runtime"), target)
    try:
        model = reader.read(artifact.path)
    except SourceError as error:
        return _report(artifact, target, _damaged(rules, target, error))
    case = _case(artifact, target, context, Graph(model), runtime)
    implementations = checks()
    found = [
        finding
        for rule in rules
        if case.phase in rule.phase and rule.code in implementations
        for finding in findings(rule, target.name, implementations[rule.code](case))
    ]
    return _report(artifact, target, found, placement(case), certificate(model))


def _case(artifact: Artifact, target: Target, context: Mapping[str, Any], graph: Graph, runtime: Mapping[str, str]) -> Case:
    parts = compiled_parts(graph)
    return Case(
        artifact=artifact,
        target=target,
        context=context,
        phase=AFTER if parts or artifact.format == "tflite-edgetpu" else BEFORE,
        graph=graph,
        judgements=judge(graph, target),
        packages=packages(tuple(n.operator for n in parts)),
        runtime=runtime,
    )


def _damaged(rules: tuple[Rule, ...], target: Target, error: SourceError) -> list[Finding]:
    rule = next(r for r in rules if r.code == "TFL-001")
    return findings(rule, target.name, [Hit(error.message, cost=1.0)])


def _check_cavalry(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport:
    case = cavalry.open_case(artifact, target, context)
    phase = AFTER if cavalry.kind(case.head, artifact) == "binary" else BEFORE
    rules = [r for r in rules_of(target) if phase in r.phase]
    found = [finding for rule in rules for finding in findings(rule, target.name, cavalry.hits(rule.code, case))]
    return _report(artifact, target, found, cavalry.placement(case))


def _report(
    artifact: Artifact,
    target: Target,
    found: list[Finding],
    where: Mapping[str, Any] | None = None,
    certified: Mapping[str, Any] | None = None,
) -> ValidationReport:
    """Errors first, then warnings, then tips, each in order of what it costs."""
    ordered = sorted(found, key=lambda f: (f.severity.rank, -f.cost, f.code, f.where))
    return ValidationReport(target.name, artifact.path, artifact.format, tuple(ordered), where or {}, certified or {})
