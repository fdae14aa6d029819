"""Several routes to the same device, each measured; the best one that passes the device's rules wins."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edgeroute.errors import ConverterFailed, EdgerouteError, UsageError
from edgeroute.runner.blocked import blocked_edges
from edgeroute.runner.candidates import BUDGET, EFFORTS, Candidate, candidates
from edgeroute.runner.chain import NO_STEPS
from edgeroute.runner.explore import Arrival, Search, Trail, explore
from edgeroute.types import Artifact, Json, OutputFidelity, Verification, to_json

GOAL = 30.0
"""dB beyond which no application was seen to notice; the search stops there unless the user asks for more."""
LITTLE = 0.5
"""dB; after `PATIENCE` measured candidates that gain less than this, effort balanced gives up."""
PATIENCE = 3
WORST, BEST = -10.0, 50.0
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


def search_best(search: Search, source: Artifact, trail: Trail) -> tuple[Arrival, list[dict[str, Json]]]:
    """Try the candidates of the request's effort; answers the best arrival and the table of all that were tried.

    Raises the error of the plain route when no candidate arrives.
    """
    waiting, tried = _candidates(search, source), list[Tried]()
    while waiting and not _enough(tried, search):
        batch, waiting = waiting[: _at_a_time()], waiting[_at_a_time() :]
        tried += _run(search, source, batch)
        waiting = [c for c in waiting if not _hopeless(c, tried)]
    best = max((t for t in tried if t.arrival is not None), key=lambda t: t.score, default=None)
    for one in tried:
        trail.rejected += one.trail.rejected if one.arrival is None else []
        trail.verified += one.trail.verified
    if best is None or best.arrival is None:
        raise next(
            (t.error for t in reversed(tried) if t.error is not None), ConverterFailed("no candidate arrived", remedy="--effort max")
        )
    return best.arrival, [_row(t, chosen=t is best) for t in tried]


def _hopeless(candidate: Candidate, tried: Sequence[Tried]) -> bool:
    """Whether it takes a preparation that could not be applied to this model, as another candidate has shown."""
    failed = {r["key"] for t in tried for r in t.trail.rejected}
    return any(c.key in failed for c in candidate.route.converters if c.gain)


def score(verification: Verification | None) -> float:
    """Mean over outputs of SQNR clipped to -10..50 dB, less what outputs lose that do not follow the float model."""
    if verification is None or not verification.outputs:
        return WORST
    return sum(_score(o) for o in verification.outputs) / len(verification.outputs)


def _score(output: OutputFidelity) -> float:
    decibels = output.sqnr_db if output.sqnr_db == output.sqnr_db else BEST
    astray = max(0.0, 0.9 - output.correlation) * 100
    spread = max(0.0, 0.5 - output.spread, output.spread - 1.5) * 40
    return min(max(decibels, WORST), BEST) - astray - spread - 20.0 * len(output.dead_groups)


def _candidates(search: Search, source: Artifact) -> list[Candidate]:
    request = search.request
    if request.effort not in EFFORTS:
        raise UsageError(f"there is no effort {request.effort}", remedy=f"choose one of {', '.join(EFFORTS)}", code="bad-effort")
    blocked = blocked_edges(search.workshop, source, request, search.fills(NO_STEPS))
    catalog = search.workshop.catalog
    via = (*search.wishes, *request.via)
    try:
        return candidates(catalog, source.format, search.target, request.effort, blocked=blocked, via=via, avoid=request.avoid)
    except EdgerouteError:
        return candidates(catalog, source.format, search.target, request.effort, blocked=blocked, via=request.via, avoid=request.avoid)


def _run(search: Search, source: Artifact, batch: Sequence[Candidate]) -> list[Tried]:
    if len(batch) == 1:
        return [_try(search, source, batch[0])]
    with ThreadPoolExecutor(len(batch)) as pool:
        return list(pool.map(lambda c: _try(search, source, c), batch))


def _try(search: Search, source: Artifact, candidate: Candidate) -> Tried:
    started, trail, request = time.monotonic(), Trail(), search.request
    options = {**request.options}
    for key, values in candidate.options.items():
        options[key] = {**values, **options.get(key, {})}
    own = dataclasses.replace(search, request=dataclasses.replace(request, via=candidate.route.keys, options=options), wishes=())
    search.workshop.progress(f"candidate {candidate.name}", None)
    try:
        arrival = explore(own, source, trail)
        value = _metric(search, arrival) if request.metric else score(arrival.measured)
    except EdgerouteError as error:
        return Tried(candidate, None, trail, WORST, time.monotonic() - started, error)
    return Tried(candidate, arrival, trail, value, time.monotonic() - started)


def _metric(search: Search, arrival: Arrival) -> float:
    """The user's own measure, in a child of the caller's interpreter."""
    module = search.request.metric.partition(":")[0].partition(".")[0]
    place = Path.cwd() / module
    code = (
        {module: str(place if place.is_dir() else place.with_suffix(".py"))} if place.is_dir() or place.with_suffix(".py").exists() else {}
    )
    workshop = dataclasses.replace(
        search.workshop, catalog=dataclasses.replace(search.workshop.catalog, code={**search.workshop.catalog.code, **code})
    )
    folder = workshop.cache.stage("metric")
    try:
        outcome = workshop.call(
            "edgeroute.runner.metric:measure", {"function": search.request.metric, "path": str(arrival.artifact.path)}, "", folder, code
        )
    finally:
        workshop.cache.drop(folder)
    if outcome.status != "ok":
        raise UsageError(
            f"the metric {search.request.metric} failed: {outcome.error.get('message', outcome.status)}",
            remedy="it is called with the path of a TFLite file and returns a number; its file must be in this folder or installed",
            code="metric-failed",
        )
    return float(outcome.value)


def _enough(tried: Sequence[Tried], search: Search) -> bool:
    arrived = [t for t in tried if t.arrival is not None]
    if len(arrived) >= BUDGET[search.request.effort]:
        return True
    if not arrived or search.request.metric:
        return False
    goal = search.request.thresholds.get("min_sqnr", GOAL)
    worst = [t.arrival.measured.sqnr_db for t in arrived if t.arrival and t.arrival.measured and t.arrival.measured.outputs]
    if any(w is not None and w >= goal for w in worst):
        return True
    if search.request.effort != "balanced" or len(arrived) <= PATIENCE:
        return False
    return max(t.score for t in arrived[-PATIENCE:]) < max(t.score for t in arrived[:-PATIENCE]) + LITTLE


def _at_a_time() -> int:
    """Half the processors, as far as the memory goes."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (ValueError, OSError):
        free = MEGABYTES_EACH
    return max(1, min((os.cpu_count() or 2) // 2, int(free // MEGABYTES_EACH)))


def _row(tried: Tried, *, chosen: bool) -> dict[str, Json]:
    """How the report shows a candidate."""
    measured = tried.arrival.measured if tried.arrival else None
    return {
        "name": tried.candidate.name,
        "chosen": chosen,
        "status": "measured" if tried.arrival else "rejected",
        "sqnr_db": to_json(measured.sqnr_db) if measured else None,
        "score": round(tried.score, 2) if tried.arrival else None,
        "correlation": min((o.correlation for o in measured.outputs), default=None) if measured else None,
        "seconds": round(tried.seconds, 1),
        "why": tried.error.message if tried.error else "",
        "route": list(tried.candidate.route.keys),
        "options": to_json(tried.candidate.options),
    }
