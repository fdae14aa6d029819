"""What a result tells beside its file: where it comes from, the command that repeats it, and what was measured on request."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import edgeroute
from edgeroute import provenance
from edgeroute.provenance import Sealed
from edgeroute.runner import origin
from edgeroute.runner.attribute import attribution, budget
from edgeroute.runner.command import command_of
from edgeroute.runner.origin import statement_of
from edgeroute.runner.repeat import repeat
from edgeroute.runner.request import Request
from edgeroute.runner.result import Journey
from edgeroute.types import Artifact, ConversionResult, Json
from edgeroute.workshop import Workshop


def told(journey: Journey, request: Request) -> Journey:
    """The journey with its `details`: provenance, command, error budget; attribution and determinism where they were asked for."""
    if request.check_determinism:
        journey = repeat(journey, request.limits)
    steps = journey.arrival.steps
    details: dict[str, Json] = {
        "provenance": {**statement_of(journey, request), "versions": {"edgeroute": edgeroute.__version__}},
        "command": _command(journey, request),
        "budget": budget(steps),
        **(attribution(journey) if request.attribution else {}),
    }
    return dataclasses.replace(journey, details={**journey.details, **details})


def _command(journey: Journey, request: Request) -> str:
    """What gives the same file again without looking for it: a route that was searched for or found by a detour is pinned, with its settings."""
    chosen = next((t for t in journey.tried if t["chosen"]), None)
    if chosen is None and not any(r.get("key") for r in journey.trail.rejected):
        return command_of(journey.source.path, journey.target, request)
    if chosen is not None:
        options = {key.partition(":")[0]: values for key, values in chosen["options"].items()}
        options = {name: {**options.get(name, {}), **request.options.get(name, {})} for name in {**options, **request.options}}
        request = dataclasses.replace(request, effort="fast", metric="", options=options)
    return command_of(journey.source.path, journey.target, request, [s.converter for s in journey.arrival.steps])


def sealed(journey: Journey) -> Sealed:
    """The file that is delivered, with its origin in it where its format allows that. What no step made is the user's own, and is left alone."""
    artifact = journey.arrival.artifact
    if not journey.arrival.steps:
        return Sealed(artifact)
    said = {k: v for k, v in journey.details["provenance"].items() if k != "versions"}
    return provenance.seal(journey.workshop, artifact, provenance.encode(said))


def after_hand_over(workshop: Workshop, result: ConversionResult, artifact: Artifact, key: str) -> tuple[Sealed, dict[str, Json]]:
    """The compiled file that came back, with its origin, and what the result tells of it."""
    before: Mapping[str, Json] = result.details.get("provenance") or {}
    if not before:
        return Sealed(artifact), {}
    said = origin.after_hand_over({k: v for k, v in before.items() if k != "versions"}, artifact, key)
    sealed = provenance.seal(workshop, artifact, provenance.encode(said))
    return sealed, {"provenance": {**said, "versions": before.get("versions", {})}}


def place_beside(sealed: Sealed, place: Path) -> None:
    """Put what the file could not take in beside it."""
    if sealed.beside or provenance.beside(place).exists():
        provenance.write_beside(place, sealed.beside)
