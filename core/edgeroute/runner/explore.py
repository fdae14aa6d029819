"""The route, and when an edge fails, the next one from the last verified artifact.

Every artifact is planned from anew: with the facts that were measured from it, and without the edges that were blamed on
it. When nothing leads on, the search steps back to the artifact before, whose edge is then blamed with that reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeroute import planner
from edgeroute.errors import (
    CheckFailed,
    ConverterFailed,
    EdgerouteError,
    EnvironmentFailed,
    PlanError,
    PluginError,
    VerificationFailed,
)
from edgeroute.runner import smallest
from edgeroute.runner.blocked import blocked_edges, handed_edges
from edgeroute.runner.chain import Chain, after, chain_of
from edgeroute.runner.repro import folder_of
from edgeroute.runner.request import Request, options_for
from edgeroute.runner.step import Done, keep_lie, key_of, run_step
from edgeroute.runner.trail import Arrival, Breach, Trail
from edgeroute.runner.wishes import best_plan
from edgeroute.types import Artifact, Converter, LeftOut, Plan, Route, StepRecord, ValidationReport, Verification
from edgeroute.workshop import Workshop

STEP_ERRORS = (ConverterFailed, EnvironmentFailed, VerificationFailed, PluginError)
ATTEMPTS = 24
"""Failed edges after which a conversion gives up."""

Verify = Callable[[Done, Converter, Chain], Verification]
Fills = Callable[[Chain], Mapping[str, object]]
Validate = Callable[[Artifact, Verification | None, Artifact | None, Chain], ValidationReport]
"""A file on its way, its verification, the file that it was compiled from (itself: the rules before compilation apply), and its border."""


@dataclass(frozen=True)
class Search:
    """The fixed part of one exploration."""

    workshop: Workshop
    target: str
    request: Request
    fills: Fills
    verify: Verify
    validate: Validate
    untouched: Callable[[Converter], None] = lambda converter: None
    """Raises where the user's file is not what it was before this edge ran."""
    wishes: tuple[str, ...] = ()
    """Edges to be taken where a route through them exists; unlike `via`, not at any price."""
    noise_ends: bool = False
    """The first int8 step that fails over its numbers ends the walk: who asked goes on in a better way than with the next quantizer."""
    detours: bool = False
    """Edges that are not pinned may be replaced when they fail, although there are pins."""

    @property
    def strict(self) -> bool:
        """Whether the first failure is the answer."""
        return bool(self.request.via) and not self.detours

    def ends(self, converter: Converter, trail: Trail) -> bool:
        """Whether there is nothing to look for after this edge has failed."""
        return self.strict or bool({converter.name, converter.key} & set(self.request.via)) or (self.noise_ends and bool(trail.noisy))


def explore(search: Search, source: Artifact, trail: Trail) -> Arrival:
    """Walk to the target; raises the error that says most when no route gets there."""
    arrival = _walk(search, source, (), search.request.via, trail)
    if arrival is None:
        raise _verdict(trail, search.target)
    return arrival


def _walk(
    search: Search, artifact: Artifact, done: tuple[StepRecord, ...], via: Sequence[str], trail: Trail, origin: Artifact | None = None
) -> Arrival | None:
    while len(trail.errors) < ATTEMPTS:
        route = _next(search, artifact, done, via, trail)
        if route is None and search.detours and done and via and _is_quantizable(search, artifact):
            raise _verdict(trail, search.target)
        if route is None:
            return None
        if not route.converters:
            return _arrive(search, artifact, done, trail, origin)
        converter = route.converters[0]
        handed = route.handover == converter.key
        if (handed or _compiles(search, converter)) and not _may_be_compiled(search, artifact, done, trail):
            return None
        if handed:
            return Arrival(artifact, done, trail.before[artifact.sha256], handed=converter)
        try:
            step, record = _take(search, artifact, converter, chain_of(done))
        except STEP_ERRORS as error:
            trail.blame(artifact, converter, error, quantizing=search.workshop.catalog.formats[converter.target].precision != "float")
            if search.ends(converter, trail):
                raise
            continue
        trail.verified.append(record)
        left = via[1:] if via and via[0] in (converter.name, converter.key) else via
        arrival = _walk(search, step.artifact, (*done, record), left, trail, artifact)
        if arrival is not None:
            return arrival
        if search.strict or trail.only_noise_behind(step.artifact):
            raise _verdict(trail, search.target)
        if converter.key not in trail.blamed.get(artifact.sha256, {}):
            trail.blamed.setdefault(artifact.sha256, {})[converter.key] = LeftOut(converter.key, "nothing led on from its output")
    return None


def _is_quantizable(search: Search, artifact: Artifact) -> bool:
    """Whether quantizers take it: where a pinned one does not, another converter's float file of the same network changes nothing."""
    catalog = search.workshop.catalog
    return any(c.source == artifact.format and catalog.formats[c.target].precision == "int8" for c in catalog.converters)


def _next(search: Search, artifact: Artifact, done: tuple[StepRecord, ...], via: Sequence[str], trail: Trail) -> Route | None:
    """The best way on, which is empty on arrival; None when nothing leads on."""
    fills, blamed = search.fills(chain_of(done)), trail.blamed.get(artifact.sha256, {})
    blocked = {**blocked_edges(search.workshop, artifact, search.request, fills), **blamed}
    handed = handed_edges(search.workshop, artifact, search.request, fills) - blamed.keys()
    wishes = [w for w in search.wishes if w not in {s.converter for s in done}]
    try:
        return _route(search, artifact, Closed(blocked, handed), via, wishes)
    except PlanError as error:
        if not done or not trail.errors:
            trail.errors.append(error)
        return None


@dataclass(frozen=True)
class Closed:
    """The edges that cannot run on a file here, and those of them that a colleague can run."""

    blocked: Mapping[str, LeftOut]
    handed: frozenset[str]


def _route(search: Search, artifact: Artifact, closed: Closed, via: Sequence[str], wishes: Sequence[str]) -> Route:
    """The best route with the wishes somewhere among the pins, else without them."""
    catalog, avoid = search.workshop.catalog, search.request.avoid

    def plan(pins: Sequence[str]) -> Plan:
        return planner.plan(
            catalog, artifact.format, search.target, blocked=closed.blocked, via=pins, avoid=avoid, handed=closed.handed, k=1
        )  # fmt: skip

    return best_plan(plan, via, wishes).routes[0]


def _compiles(search: Search, converter: Converter) -> bool:
    """Whether an edge is the device's compiler: behind it nothing can be measured any more."""
    catalog = search.workshop.catalog
    accepted = catalog.target(search.target).accepts
    return catalog.formats[converter.target].precision == "opaque" and any(catalog.is_a(converter.target, a) for a in accepted)


def _may_be_compiled(search: Search, artifact: Artifact, done: tuple[StepRecord, ...], trail: Trail) -> bool:
    """Ask the rules before the compiler: it would take a file whose fault shows on the device only."""
    if artifact.sha256 not in trail.before:
        trail.before[artifact.sha256] = search.validate(artifact, done[-1].verification if done else None, artifact, chain_of(done))
    if trail.before[artifact.sha256].ok:
        return True
    _refuse(search, artifact, done, trail, trail.before[artifact.sha256])
    return False


def _take(search: Search, artifact: Artifact, converter: Converter, chain: Chain) -> tuple[Done, StepRecord]:
    request = search.request
    options = options_for(converter, request, search.fills(chain))
    try:
        step = run_step(search.workshop, converter, artifact, options, request.limits)
    except ConverterFailed as error:
        search.untouched(converter)
        raise _smallest(search, converter, artifact, options, error) from error
    verification = search.verify(step, converter, after(chain, step.record.notes))
    if verification.status == "failed":
        breach = _breach(converter, verification)
        keep_lie(search.workshop, converter, artifact, options, step.entry, breach)
        raise breach
    status = "passed" if verification.status == "unmeasured" else verification.status
    return step, dataclasses.replace(step.record, verification=verification, status=status)


def _smallest(search: Search, converter: Converter, artifact: Artifact, options: Any, error: ConverterFailed) -> EdgerouteError:
    """The error of a failed step; with `--bisect`, after a search for the smallest part of the model that fails alike."""
    request, workshop = search.request, search.workshop
    if not request.bisect:
        return _suggesting(workshop, artifact, error)
    key = key_of(workshop, converter, artifact, options, workshop.environments.ensure(converter.environment))
    return smallest.reduce(workshop, converter, artifact, folder_of(workshop, key), error, request.bisect, request.limits)


def _suggesting(workshop: Workshop, artifact: Artifact, error: ConverterFailed) -> ConverterFailed:
    """A failure that no symptom explains, where a part of the model could tell more than all of it."""
    runner = workshop.catalog.runner(artifact.format)
    if runner is None or not runner.part or not error.code.startswith("converter-"):
        return error
    remedy = f"{error.remedy}; --bisect 300 looks for the smallest part of the model that fails"
    return ConverterFailed(error.message, remedy=remedy, where=error.where, code=error.code)


def _breach(converter: Converter, verification: Verification) -> Breach:
    worst = sorted(verification.findings, key=lambda f: (f.severity.rank, -f.cost))
    if not worst:
        message = f"{converter.name}: the output does not compute what the source computes"
        return Breach(verification, message, remedy=f"--avoid {converter.name}", where=converter.key, code="parity")
    first = worst[0]
    message, where = f"{converter.name}: {first.message}", first.where or converter.key
    return Breach(verification, message, remedy=first.remedy, where=where, code=first.code)


def _arrive(search: Search, artifact: Artifact, done: tuple[StepRecord, ...], trail: Trail, origin: Artifact | None) -> Arrival | None:
    validation = search.validate(artifact, done[-1].verification if done else None, origin, chain_of(done))
    if validation.ok:
        return Arrival(artifact, done, validation, before=trail.before.get(origin.sha256) if origin else None, origin=origin)
    _refuse(search, artifact, done, trail, validation)
    return None


def _refuse(search: Search, artifact: Artifact, done: tuple[StepRecord, ...], trail: Trail, validation: ValidationReport) -> None:
    """Write down why the device would not take a file; raises CheckFailed where no other route could help."""
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
    if not done or search.strict:
        raise error


def _verdict(trail: Trail, target: str) -> EdgerouteError:
    return trail.telling or PlanError(f"no route to {target} worked", remedy="`edgeroute doctor` looks for the reason")
