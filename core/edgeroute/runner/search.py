"""Several routes to the same device, each measured; the best one that passes the device's rules wins.

Effort auto, the default, begins with the plain route and is content when its int8 file keeps all good marks. Otherwise it goes on: with
preparations and settings of the quantizers, not with other float converters, whose files would lose the same.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edgeroute.catalog import Catalog
from edgeroute.errors import CheckFailed, ConverterFailed, EdgerouteError, UsageError, VerificationFailed
from edgeroute.runner.blocked import blocked_edges, handed_edges
from edgeroute.runner.candidates import BUDGET, DEFAULT, EFFORTS, PLACE, Candidate, candidates, place, quantizes
from edgeroute.runner.chain import NO_STEPS
from edgeroute.runner.explore import Search, explore
from edgeroute.runner.scoring import WORST, interruptions, metric, score
from edgeroute.runner.trail import Arrival, Breach, Trail
from edgeroute.types import Artifact, Finding, Json, Severity, Verification, digest_json, to_json
from edgeroute.verify.thresholds import RANDOM_DATA

GOAL = 30.0
"""dB beyond which no application was seen to notice; efforts balanced and max stop there unless the user asks for more."""
LITTLE = 0.5
"""dB; after `PATIENCE` measured candidates that gain less than this, all efforts but max give up; the plain route is preferred by as much."""
PATIENCE = 3
MARKED = 3.0
"""dB that it counts when a file keeps all good marks."""
MOST = 40
"""Candidates, refused ones included, after which no more suggestions are taken."""
MEGABYTES_EACH = 3000
"""Memory that one candidate may need; decides how many run at a time."""


@dataclass(frozen=True)
class Tried:
    """One candidate and what became of it."""

    candidate: Candidate
    arrival: Arrival | None
    trail: Trail
    score: float
    seconds: float
    error: EdgerouteError | None = None
    by_metric: bool = False
    """The score is the user's own measure: nothing is added to it."""

    @property
    def measured(self) -> Verification | None:
        """The numbers of its int8 file, also where they were not enough."""
        return self.arrival.measured if self.arrival else next((b.verification for b in self.trail.noisy), None)

    @property
    def is_good(self) -> bool:
        return self.arrival is not None and self.measured is not None and self.measured.status == "passed"


def arrive(search: Search, source: Artifact, trail: Trail) -> tuple[Arrival, tuple[Mapping[str, Json], ...]]:
    """Get to the target with the request's effort; answers the arrival, and the table of candidates where several were tried."""
    effort, pinned, measure = search.request.effort, search.request.via, search.request.metric
    if effort not in EFFORTS:
        raise UsageError(f"there is no effort {effort}", remedy=f"choose one of {', '.join(EFFORTS)}", code="bad-effort")
    if effort == "fast" or (effort == DEFAULT and _decided(search.workshop.catalog, pinned) and not measure):
        return explore(search, source, trail), ()
    if effort == DEFAULT and measure:
        search = dataclasses.replace(search, request=dataclasses.replace(search.request, effort="balanced"))
    if search.request.effort != DEFAULT:
        return _best(_search(search, source, _candidates(search, source, search.request.effort), ()), trail)
    plain = _plain(search, source, _candidates(search, source, "fast")[0])
    waiting = _candidates(search, source, DEFAULT)[1:] if _may_gain(search, plain) else []
    if not waiting:
        return _only(plain, trail), ()
    search.workshop.progress(f"{_told(plain)}: going on with preparations, at most {BUDGET[DEFAULT] - 1} candidates", None)
    return _best(_search(search, source, waiting, [plain]), trail)


def _decided(catalog: Catalog, pinned: Sequence[str]) -> bool:
    """Whether the user's pins say how the network is prepared and quantized; others (`cut`, a float converter) leave that open."""
    named = [c for c in catalog.converters if {c.name, c.key} & set(pinned)]
    return any(c.gain or catalog.formats[c.target].precision == "int8" for c in named)


def _search(search: Search, source: Artifact, waiting: Sequence[Candidate], tried: Sequence[Tried]) -> list[Tried]:
    """Take one candidate after the other, or several at a time, until one is good enough or the budget is spent."""
    waiting, tried = list(waiting), list(tried)
    while waiting and not _enough(tried, search):
        batch, waiting = waiting[: _at_a_time()], waiting[_at_a_time() :]
        found = _run(search, source, batch)
        tried += found
        known = {_identity(c) for c in (*waiting, *(t.candidate for t in tried))}
        fresh = {_identity(c): c for t in found for c in _suggested(t, search.request.options)}
        fresh = {key: c for key, c in fresh.items() if key not in known} if len(tried) < MOST else {}
        waiting = [c for c in (*fresh.values(), *waiting) if not _hopeless(c, tried)]
    return tried


def _suggested(tried: Tried, set_by_user: Mapping[str, Mapping[str, object]]) -> Iterator[Candidate]:
    """The candidate with the further settings that its steps, having seen the model, name in their notes; what is no option is passed over."""
    edges = {c.key: c for c in tried.candidate.route.converters}
    for step in {s.key: s for s in tried.trail.verified if s.key in edges}.values():
        options, also = {f.name for f in dataclasses.fields(edges[step.key].options)}, step.notes.get("also")
        for settings in also if isinstance(also, list | tuple) else ():
            if isinstance(settings, Mapping) and settings.keys() <= options:
                fresh = tried.candidate.with_settings(step.key, settings)
                if not _contradicts(fresh, set_by_user):
                    yield fresh


def _identity(candidate: Candidate) -> str:
    return digest_json([candidate.route.keys, to_json(candidate.options)])


def _plain(search: Search, source: Artifact, candidate: Candidate) -> Tried:
    """The route that effort fast takes, detours included; over once an int8 file is too noisy."""
    return _taken(dataclasses.replace(search, noise_ends=True), source, candidate)


def _may_gain(search: Search, plain: Tried) -> bool:
    """Whether something else than the plain route could do better: what it lost, it lost in quantizing, and that was measured on real data."""
    if plain.arrival is None:
        return isinstance(plain.error, CheckFailed | Breach) and quantizes(search.workshop.catalog, plain.candidate.route)
    measured = plain.measured
    if measured is None or measured.kind != "int8" or any(f.code == RANDOM_DATA for f in measured.findings):
        return False
    return measured.status != "passed"


def _only(plain: Tried, trail: Trail) -> Arrival:
    trail.rejected += plain.trail.rejected
    trail.verified += plain.trail.verified
    if plain.arrival is None:
        raise plain.error or ConverterFailed("the plain route did not arrive", remedy="--effort max")
    return plain.arrival


def _best(tried: Sequence[Tried], trail: Trail) -> tuple[Arrival, tuple[Mapping[str, Json], ...]]:
    arrived = [t for t in tried if t.arrival is not None]
    best = max(arrived, key=_merit, default=None)
    for one in tried:
        trail.rejected += one.trail.rejected if one.arrival is None or one is best else []
        trail.verified += one.trail.verified
    if best is None or best.arrival is None:
        refusal = _refusal(tried)
        refusal.story["candidates"] = [_row(t, chosen=False) for t in tried]
        raise refusal
    return best.arrival, tuple(_row(t, chosen=t is best) for t in tried)


def _merit(tried: Tried) -> float:
    """By which the best is chosen."""
    if tried.by_metric:
        return tried.score
    return tried.score + (MARKED if tried.is_good else 0.0) + (0.0 if tried.candidate.gain else LITTLE)


def _refusal(tried: Sequence[Tried]) -> EdgerouteError:
    """The error of the candidate that came nearest, with how far the others came: by the numbers, or where none has some by its file's way."""
    numbers = [t.measured.sqnr_db for t in tried if t.measured is not None]
    nearest = max((t for t in tried if t.error is not None), key=lambda t: t.score if numbers else t.trail.stage, default=None)
    if nearest is None or nearest.error is None:
        return ConverterFailed("no candidate arrived", remedy="--effort max tries more of them")
    if len(tried) == 1 or not numbers:
        return nearest.error
    error, others = nearest.error, ", ".join(f"{n:.1f}" for n in numbers if n is not None)
    message = f"none of {len(tried)} candidates holds ({others} dB were measured); the best, {nearest.candidate.name}: {error.message}"
    kind = VerificationFailed if isinstance(error, Breach) else type(error)
    return kind(message, remedy=error.remedy, where=error.where, code=error.code)


def _hopeless(candidate: Candidate, tried: Sequence[Tried]) -> bool:
    """Whether it takes a preparation that could not be applied to this model, as another candidate has shown."""
    failed = {r["key"] for t in tried for r in t.trail.rejected}
    return any(c.key in failed for c in candidate.route.converters if c.gain)


def _candidates(search: Search, source: Artifact, effort: str) -> list[Candidate]:
    request, fills = search.request, search.fills(NO_STEPS)
    blocked = blocked_edges(search.workshop, source, request, fills)
    handed = handed_edges(search.workshop, source, request, fills)
    for wishes in (search.wishes, ()):
        try:
            found = candidates(
                search.workshop.catalog, source.format, search.target, effort,
                blocked=blocked, via=(*wishes, *request.via), avoid=request.avoid, handed=handed,
            )  # fmt: skip
            return [c for c in found if not _contradicts(c, request.options)]
        except EdgerouteError:
            if not wishes:
                raise
    return []


def _contradicts(candidate: Candidate, set_by_user: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether it changes an option that the user has set."""
    return any(set_by_user.get(n, {}).keys() & v.keys() for key, v in candidate.options.items() for n in (key, key.partition(":")[0]))


def _run(search: Search, source: Artifact, batch: Sequence[Candidate]) -> list[Tried]:
    if len(batch) == 1:
        return [_try(search, source, batch[0])]
    with ThreadPoolExecutor(len(batch)) as pool:
        return list(pool.map(lambda c: _try(search, source, c), batch))


def _try(search: Search, source: Artifact, candidate: Candidate) -> Tried:
    """A candidate's own edges are pinned; others are replaced where they fail."""
    request = dataclasses.replace(search.request, via=candidate.pins, options={**search.request.options, **_over(search, candidate)})
    search.workshop.progress(f"candidate {candidate.name}", None)
    return _taken(dataclasses.replace(search, request=request, wishes=(), detours=True), source, candidate)


def _over(search: Search, candidate: Candidate) -> dict[str, Mapping[str, Json]]:
    """The candidate's settings, with what the user has set for the same edges."""
    return {key: {**values, **search.request.options.get(key, {})} for key, values in candidate.options.items()}


def _taken(search: Search, source: Artifact, candidate: Candidate) -> Tried:
    started, trail = time.monotonic(), Trail()
    try:
        arrival = explore(search, source, trail)
        value = _worth(search, candidate, arrival)
    except EdgerouteError as error:
        value = max((score(b.verification) for b in trail.noisy), default=WORST)
        return Tried(candidate, None, trail, value, time.monotonic() - started, error)
    return Tried(candidate, arrival, trail, value, time.monotonic() - started, by_metric=bool(search.request.metric))


def _worth(search: Search, candidate: Candidate, arrival: Arrival) -> float:
    """The user's own measure of the file, else its fidelity less what the device likes less about it."""
    if search.request.metric:
        return metric(search.workshop, search.request.metric, arrival.artifact.path)
    rank = place(search.workshop.catalog, candidate.route)
    return score(arrival.measured) - PLACE * rank - interruptions(arrival.validation.placement)


def _enough(tried: Sequence[Tried], search: Search) -> bool:
    effort, measured = search.request.effort, [t for t in tried if t.arrival or t.trail.noisy]
    arrived = [t for t in measured if t.arrival]
    if len(measured) >= BUDGET[effort]:
        return True
    if not arrived or search.request.metric:
        return False
    if _reaches_goal(arrived, search):
        return True
    if effort == "max" or len(arrived) <= PATIENCE:
        return False
    return max(t.score for t in arrived[-PATIENCE:]) < max(t.score for t in arrived[:-PATIENCE]) + LITTLE


def _reaches_goal(arrived: Sequence[Tried], search: Search) -> bool:
    """Effort auto wants all good marks kept; the others decibels, the user's or those that nobody notices."""
    if search.request.effort == DEFAULT:
        return max(arrived, key=_merit).is_good
    goal = search.request.thresholds.get("min_sqnr", GOAL)
    worst = [t.measured.sqnr_db for t in arrived if t.measured and t.measured.outputs]
    return any(w is not None and w >= goal for w in worst)


def _at_a_time() -> int:
    """Half the processors, as far as the memory goes."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (ValueError, OSError):
        free = MEGABYTES_EACH
    return max(1, min((os.cpu_count() or 2) // 2, int(free // MEGABYTES_EACH)))


def _told(tried: Tried) -> str:
    """What became of the plain route, in a few words."""
    number = tried.measured.sqnr_db if tried.measured else None
    if number is None:
        return f"the plain route ends in [{tried.error.code if tried.error else 'unmeasured'}]"
    return f"the plain route keeps {number:.1f} dB" + (f" [{tried.error.code}]" if tried.error else "")


def _row(tried: Tried, *, chosen: bool) -> dict[str, Json]:
    """How the report shows a candidate."""
    measured = tried.measured
    return {
        "name": tried.candidate.name,
        "chosen": chosen,
        "status": "measured" if tried.arrival else "rejected",
        "sqnr_db": to_json(measured.sqnr_db) if measured else None,
        "score": round(tried.score, 2) if tried.arrival else None,
        "correlation": min((o.correlation for o in measured.outputs), default=None) if measured else None,
        "seconds": round(tried.seconds, 1),
        "why": tried.error.message if tried.error else "",
        "route": [s.key for s in tried.arrival.steps] if tried.arrival else list(tried.candidate.route.keys),
        "options": to_json(tried.candidate.options),
    }


def searched(effort: str, tried: Sequence[Mapping[str, Json]]) -> tuple[Finding, ...]:
    """That effort auto did not take the plain route, and why."""
    if effort != DEFAULT or len(tried) < 2:
        return ()
    chosen = next(t for t in tried if t["chosen"])
    plain = "is refused" if tried[0]["sqnr_db"] is None else f"keeps {tried[0]['sqnr_db']:.1f} dB"
    taken = "which is still the best" if chosen is tried[0] else f"and {chosen['name']} is the best"
    message = f"the plain route {plain}, so {len(tried) - 1} more were tried, {taken}"
    return (Finding("int8-searched", Severity.TIP, message, "--effort fast takes the plain route alone; --effort max looks further"),)
