"""The route, and when an edge fails, the next one from the last verified artifact.

Every artifact is planned from anew: with the facts that were measured from it, and without the edges that were blamed on
it. When nothing leads on, the search steps back to the artifact before, whose edge is then blamed with that reason.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edgeroute import planner
from edgeroute.errors import (
    CheckFailed,
    ConverterFailed,
    EdgerouteError,
    EnvironmentFailed,
    PlanError,
    PluginError,
    UsageError,
    VerificationFailed,
)
from edgeroute.runner.blocked import blocked_edges
from edgeroute.runner.chain import Chain, after, chain_of
from edgeroute.runner.request import Request, options_for
from edgeroute.runner.step import Done, run_step
from edgeroute.types import Artifact, Converter, Json, LeftOut, Route, StepRecord, ValidationReport, Verification
from edgeroute.workshop import Workshop

STEP_ERRORS = (ConverterFailed, EnvironmentFailed, VerificationFailed, PluginError)
ATTEMPTS = 24
"""Failed edges after which a conversion gives up."""

Verify = Callable[[Done, Converter, Chain], Verification]
Fills = Callable[[Chain], Mapping[str, object]]
Validate = Callable[[Artifact, Verification | None], ValidationReport]


@dataclass
class Trail:
    """What was tried so far, and who was blamed for what."""

    blamed: dict[str, dict[str, LeftOut]] = field(default_factory=dict)
    """Digest of an artifact → key of an edge → why it was given up."""
    rejected: list[dict[str, Json]] = field(default_factory=list)
    errors: list[EdgerouteError] = field(default_factory=list)
    verified: list[StepRecord] = field(default_factory=list)
    """Every step that was verified, on the final route or not: partial results survive."""

    def blame(self, artifact: Artifact, converter: Converter, error: EdgerouteError) -> None:
        reason = LeftOut(converter.key, f"it failed on this file: {error.message}", error.remedy)
        self.blamed.setdefault(artifact.sha256, {})[converter.key] = reason
        self.rejected.append(
            {"converter": converter.name, "key": converter.key, "from": artifact.format, "reason": error.message, **error.as_json()}
        )
        self.errors.append(error)


@dataclass(frozen=True)
class Arrival:
    """The end of a route that worked."""

    artifact: Artifact
    steps: tuple[StepRecord, ...]
    validation: ValidationReport


@dataclass(frozen=True)
class Search:
    """The fixed part of one exploration."""

    workshop: Workshop
    target: str
    request: Request
    fills: Fills
    verify: Verify
    validate: Validate
    wishes: tuple[str, ...] = ()
    """Edges to be taken where a route through them exists; unlike `via`, not at any price."""


def explore(search: Search, source: Artifact, trail: Trail) -> Arrival:
    """Walk to the target; raises the error that says most when no route gets there."""
    arrival = _walk(search, source, (), search.request.via, trail)
    if arrival is None:
        raise _verdict(trail, search.target)
    return arrival


def _walk(search: Search, artifact: Artifact, done: tuple[StepRecord, ...], via: Sequence[str], trail: Trail) -> Arrival | None:
    while len(trail.errors) < ATTEMPTS:
        converter = _next(search, artifact, done, via, trail)
        if converter is None:
            return None
        if isinstance(converter, str):
            return _arrive(search, artifact, done, trail)
        try:
            step, record = _take(search, artifact, converter, chain_of(done))
        except STEP_ERRORS as error:
            trail.blame(artifact, converter, error)
            if search.request.via:
                raise
            continue
        trail.verified.append(record)
        left = via[1:] if via and via[0] in (converter.name, converter.key) else via
        arrival = _walk(search, step.artifact, (*done, record), left, trail)
        if arrival is not None:
            return arrival
        if search.request.via:
            raise _verdict(trail, search.target)
        if converter.key not in trail.blamed.get(artifact.sha256, {}):
            trail.blamed.setdefault(artifact.sha256, {})[converter.key] = LeftOut(converter.key, "nothing led on from its output")
    return None


def _next(search: Search, artifact: Artifact, done: tuple[StepRecord, ...], via: Sequence[str], trail: Trail) -> Converter | str | None:
    """The next edge; the target's name on arrival; None when nothing leads on."""
    fills = search.fills(chain_of(done))
    blocked = {**blocked_edges(search.workshop, artifact, search.request, fills), **trail.blamed.get(artifact.sha256, {})}
    wishes = [w for w in search.wishes if w not in {s.converter for s in done}]
    try:
        route = _route(search, artifact, blocked, via, wishes)
    except PlanError as error:
        if not done or not trail.errors:
            trail.errors.append(error)
        return None
    return route.converters[0] if route.converters else search.target


def _route(search: Search, artifact: Artifact, blocked: Mapping[str, LeftOut], via: Sequence[str], wishes: Sequence[str]) -> Route:
    """The best route with the wishes somewhere among the pins, else without them."""
    found: list[Route] = []
    for place in range(len(via) + 1) if wishes else ():
        with contextlib.suppress(PlanError, UsageError):
            found.append(_best(search, artifact, blocked, (*via[:place], *wishes, *via[place:])))
    return min(found, key=lambda r: (r.cost, r.keys)) if found else _best(search, artifact, blocked, via)


def _best(search: Search, artifact: Artifact, blocked: Mapping[str, LeftOut], via: Sequence[str]) -> Route:
    plan = planner.plan(search.workshop.catalog, artifact.format, search.target, blocked=blocked, via=via, avoid=search.request.avoid, k=1)
    return plan.routes[0]


def _take(search: Search, artifact: Artifact, converter: Converter, chain: Chain) -> tuple[Done, StepRecord]:
    request = search.request
    options = options_for(converter, request, search.fills(chain))
    step = run_step(search.workshop, converter, artifact, options, request.limits)
    verification = search.verify(step, converter, after(chain, step.record.notes))
    if verification.status == "failed":
        raise _breach(converter, verification)
    status = "passed" if verification.status == "unmeasured" else verification.status
    return step, dataclasses.replace(step.record, verification=verification, status=status)


def _breach(converter: Converter, verification: Verification) -> VerificationFailed:
    worst = sorted(verification.findings, key=lambda f: (f.severity.rank, -f.cost))
    if not worst:
        return VerificationFailed(
            f"{converter.name}: the output does not compute what the source computes",
            where=converter.key,
            remedy=f"--avoid {converter.name}",
            code="parity",
        )
    first = worst[0]
    return VerificationFailed(
        f"{converter.name}: {first.message}", where=first.where or converter.key, remedy=first.remedy, code=first.code
    )


def _arrive(search: Search, artifact: Artifact, done: tuple[StepRecord, ...], trail: Trail) -> Arrival | None:
    verification = done[-1].verification if done else None
    validation = search.validate(artifact, verification)
    if validation.ok:
        return Arrival(artifact, done, validation)
    worst = min(validation.findings, key=lambda f: f.severity.rank)
    error = CheckFailed(f"{search.target} would refuse the file: {worst.message}", where=worst.where, remedy=worst.remedy, code=worst.code)
    trail.rejected.append(
        {
            "converter": done[-1].converter if done else "",
            "key": done[-1].key if done else "",
            "from": artifact.format,
            "reason": error.message,
            **error.as_json(),
        }
    )
    trail.errors.append(error)
    if not done or search.request.via:
        raise error
    return None


def _verdict(trail: Trail, target: str) -> EdgerouteError:
    """The error that says most: the last one of a step, else that there is no route."""
    steps = [e for e in trail.errors if not isinstance(e, PlanError)]
    if not trail.errors:
        return PlanError(f"no route to {target} worked", remedy="`edgeroute doctor` looks for the reason")
    return steps[-1] if steps else trail.errors[0]
