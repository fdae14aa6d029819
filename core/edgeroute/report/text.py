"""What the commands print: nouns (or their JSON) → text of 100 columns."""

from __future__ import annotations

from collections.abc import Mapping

from edgeroute.report import terminal
from edgeroute.report.certificate import certificate_section
from edgeroute.report.facts import as_json, mapping
from edgeroute.report.findings import findings_section
from edgeroute.report.models import inspect_document, validation_document
from edgeroute.report.plan import plan_document
from edgeroute.report.result import result_document

CONVERT_SECTIONS = ("route", "steps", "fidelity", "layers", "candidates", "findings", "rejected", "next")


def render_result(result: object, *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """What `convert` prints: status, artifact, route, steps, fidelity, findings by weight, rejected routes, what to type next."""
    document = result_document(result)
    rejected = mapping(as_json(result)).get("rejected")
    only = [s for s in CONVERT_SECTIONS if s != "rejected" or rejected]
    return terminal.render(document, color=color, width=width, only=only)


def render_plan(plan: object, environments: Mapping[str, str] | None = None, *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """What `plan` prints; `environments` maps environment and tool names to their states."""
    return terminal.render(plan_document(plan, environments), color=color, width=width)


def render_validation(validation: object, *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """What `check` prints: findings, the placement table, the certificate."""
    return terminal.render(validation_document(validation), color=color, width=width)


def render_certificate(certificate: Mapping[str, object], *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """What `check --certificate` prints."""
    return terminal.render_section(certificate_section(certificate), color=color, width=width)


def render_inspect(artifact: object, *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """What `inspect` prints."""
    return terminal.render(inspect_document(artifact), color=color, width=width)


def render_audit(audit: object, *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """What `verify` prints."""
    from edgeroute.report.audit import audit_document

    return terminal.render(audit_document(audit), color=color, width=width)


def render_blame(blame: object, *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """What `blame` prints."""
    from edgeroute.report.blame import blame_document

    return terminal.render(blame_document(blame), color=color, width=width)


def render_findings(findings: object, *, color: bool = False, width: int = terminal.WIDTH) -> str:
    """A list of findings (nouns or JSON) in order of weight."""
    from edgeroute.report.facts import by_weight, rows

    return terminal.render_section(findings_section(by_weight(rows(as_json(findings)))), color=color, width=width)
