"""Axis' cameras: the devices, and what their rules say about a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Artifact, Target, ValidationReport
from edgeroute_plugins.devices.targets import RULES, TARGETS


@hookimpl
def edgeroute_targets() -> tuple[Target, ...]:
    return TARGETS


@hookimpl
def edgeroute_check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport | None:
    """Only for the devices declared here: a stranger's target brings its own check along."""
    if target.rules != RULES:
        return None
    from edgeroute_plugins.devices.check import check

    return check(artifact, target, context)
