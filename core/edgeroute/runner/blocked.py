"""Edges that cannot run here or on this file: they stay in the graph, marked with the reason and the remedy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from edgeroute.environments import EnvironmentState
from edgeroute.errors import PluginError
from edgeroute.resolve import ask
from edgeroute.runner.request import Request, options_for
from edgeroute.types import Artifact, Converter, Finding, LeftOut, Severity
from edgeroute.workshop import Workshop

StateOf = Callable[[str], EnvironmentState]


def blocked_edges(workshop: Workshop, artifact: Artifact | None, request: Request, fills: Mapping[str, object]) -> dict[str, LeftOut]:
    """By key: what an environment or a tool keeps closed, and what the preflight of an edge says of this very file."""
    answer: dict[str, LeftOut] = {}
    state = functools.cache(workshop.environments.state)
    for converter in workshop.catalog.converters:
        reason = _closed(state, converter)
        if artifact is not None and (reason is None or _lacks_tool_only(state, converter)):
            reason = _refused(workshop, converter, artifact, request, fills) or reason
        if reason is not None:
            answer[converter.key] = reason
    return answer


def handed_edges(workshop: Workshop, artifact: Artifact | None, request: Request, fills: Mapping[str, object]) -> frozenset[str]:
    """Keys of the edges for which nothing but the tool is missing, and which know what a colleague needs to run them."""
    if request.require_complete:
        return frozenset()
    state = functools.cache(workshop.environments.state)
    lacking = (c for c in workshop.catalog.converters if _lacks_tool_only(state, c))
    return frozenset(c.key for c in lacking if artifact is None or _refused(workshop, c, artifact, request, fills) is None)


def _lacks_tool_only(state: StateOf, converter: Converter) -> bool:
    """Whether a colleague could run an edge that cannot run here."""
    missing = bool(converter.handover and converter.tool) and state(converter.tool).closed
    return missing and not (converter.environment and state(converter.environment).closed)


def _closed(state: StateOf, converter: Converter) -> LeftOut | None:
    for name in (converter.environment, converter.tool):
        if name:
            found = state(name)
            if found.closed:
                return LeftOut(converter.key, found.reason, found.remedy)
    return None


def _refused(workshop: Workshop, converter: Converter, artifact: Artifact, request: Request, fills: Mapping[str, object]) -> LeftOut | None:
    if not converter.preflight or not workshop.catalog.is_a(artifact.format, converter.source):
        return None
    options = options_for(converter, request, fills)
    try:
        findings = ask(converter.preflight, Finding, artifact.facts, options)
    except PluginError as error:
        return LeftOut(converter.key, error.message, error.remedy)
    errors = [f for f in findings if f.severity == Severity.ERROR]
    return LeftOut(converter.key, errors[0].message, errors[0].remedy) if errors else None
