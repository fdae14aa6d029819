"""Which routes and settings a search tries, in the order of what they are expected to gain. Pure."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeroute import planner
from edgeroute.catalog import Catalog
from edgeroute.errors import PlanError
from edgeroute.types import Converter, Json, LeftOut, Route

EFFORTS = ("fast", "balanced", "max")
BUDGET = {"fast": 1, "balanced": 8, "max": 30}
"""Candidates that an effort measures at the most."""
ROUTES = 4
"""Routes that are looked at for one choice of preparations."""
MOST_GAINERS = 5
ORDERS = 24
"""Orders of one choice of preparations that are tried."""
GAIN = "gain"


@dataclass(frozen=True)
class Candidate:
    """A route with the settings that are tried on it."""

    route: Route
    options: Mapping[str, Mapping[str, Json]]
    """Key of an edge → option → value, beside its defaults."""
    gain: float
    """Expected dB."""

    @property
    def name(self) -> str:
        settings = [f"{key.partition(':')[0]}.{option}={value}" for key, values in self.options.items() for option, value in values.items()]
        return " → ".join(self.route.names) + (f" ({', '.join(settings)})" if settings else "")


def candidates(
    catalog: Catalog,
    source: str,
    target: str,
    effort: str,
    *,
    blocked: Mapping[str, LeftOut],
    via: Sequence[str] = (),
    avoid: Sequence[str] = (),
) -> list[Candidate]:
    """Candidates, most promising first, the plain route second. Raises PlanError where there is no route."""
    gainers = [c for c in catalog.converters if c.gain and c.effort and EFFORTS.index(c.effort) <= EFFORTS.index(effort)]
    plain = planner.plan(catalog, source, target, blocked=blocked, via=via, avoid=avoid, k=ROUTES).routes
    routes = [r for r in plain if not _dominated(catalog, r, via)] or [plain[0]]
    for chosen in _subsets(catalog, gainers):
        routes += [r for r in _through(catalog, source, target, blocked, via, avoid, chosen) if not _dominated(catalog, r, via)]
    found = [c for route in {r.keys: r for r in routes}.values() for c in _settings(route, effort)]
    ranked = _mixed(sorted(found, key=lambda c: (-c.gain, c.route.cost, c.route.keys, c.name)))
    first = Candidate(plain[0], {}, 0.0)
    rest = [c for c in ranked if (c.route.keys, c.options) != (first.route.keys, {})]
    return [*rest[:1], first, *rest[1:]] if effort != "fast" else [first]


def _mixed(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best of every choice of edges first, then the second of each: what is tried early should differ."""
    turns: dict[frozenset[str], int] = {}
    order: list[tuple[int, int, Candidate]] = []
    for candidate in ranked:
        key = frozenset(candidate.route.keys)
        turns[key] = turns.get(key, 0) + 1
        order.append((turns[key], len(order), candidate))
    return [candidate for _, _, candidate in sorted(order, key=lambda o: o[:2])]


def _subsets(catalog: Catalog, gainers: Sequence[Converter]) -> Iterator[tuple[str, ...]]:
    """Every choice of edges that promise a gain, in the order in which they can stand: by how refined their source is, then the quick first."""
    ordered = sorted(gainers, key=lambda c: (len(catalog.lineage(c.source)), c.cost.seconds, c.key))[:MOST_GAINERS]
    for size in range(len(ordered), 0, -1):
        for chosen in itertools.combinations(ordered, size):
            yield tuple(c.key for c in chosen)


def _through(
    catalog: Catalog,
    source: str,
    target: str,
    blocked: Mapping[str, LeftOut],
    via: Sequence[str],
    avoid: Sequence[str],
    chosen: Sequence[str],
) -> list[Route]:
    """The best routes that take the chosen edges, somewhere among the pins; none where they do not fit together."""
    orders = itertools.islice(itertools.permutations(chosen), ORDERS)
    for order, place in itertools.product(orders, range(len(via), -1, -1)):
        pins = (*via[:place], *order, *via[place:])
        with contextlib.suppress(PlanError):
            plan = planner.plan(catalog, source, target, blocked=blocked, via=pins, avoid=avoid, k=ROUTES)
            return [r for r in plan.routes if _only(r, chosen, via)]
    return []


def _only(route: Route, chosen: Sequence[str], via: Sequence[str]) -> bool:
    """Whether it takes no other edge that promises a gain: that is another subset's route."""
    return all(c.key in chosen or {c.name, c.key} & set(via) for c in route.converters if c.gain)


def _dominated(catalog: Catalog, route: Route, via: Sequence[str]) -> bool:
    """Whether it takes an edge that only does what a less risky one does; quantizers compete by their results instead."""
    return any(_worse(catalog, edge, via) for edge in route.converters)


def _worse(catalog: Catalog, edge: Converter, via: Sequence[str]) -> bool:
    if catalog.formats[edge.target].precision == "int8" or {edge.name, edge.key} & set(via):
        return False
    rivals = [c for c in catalog.converters if (c.source, c.target) == (edge.source, edge.target) and not c.on_request]
    return any(c.cost.total < edge.cost.total for c in rivals)


def _settings(route: Route, effort: str) -> Iterator[Candidate]:
    """The route with its defaults, then with the variants of its edges: one at a time, or all combinations with effort max."""
    gain = sum(c.gain for c in route.converters)
    choices = [[(c, v) for v in ({}, *(c.variants if effort == "max" else c.variants[:1]))] for c in route.converters]
    for combination in itertools.product(*choices):
        taken = [(c, v) for c, v in combination if v]
        if effort != "max" and len(taken) > 1:
            continue
        options = {c.key: {k: x for k, x in v.items() if k != GAIN} for c, v in taken}
        yield Candidate(route, options, gain + sum(float(v.get(GAIN, 0.0)) for _, v in taken))
