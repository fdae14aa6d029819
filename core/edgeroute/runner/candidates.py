"""Which routes and settings a search tries, in the order of what they are expected to gain. Pure."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeroute import planner
from edgeroute.catalog import Catalog
from edgeroute.errors import PlanError
from edgeroute.types import Converter, Json, LeftOut, Route

DEFAULT = "auto"
EFFORTS = ("fast", "auto", "balanced", "max")
LEVELS = {"fast": 0, "auto": 1, "balanced": 1, "max": 2}
"""Which edges an effort may take: those whose own effort stands on its level, or below."""
BUDGET = {"fast": 1, "auto": 4, "balanced": 8, "max": 30}
"""Candidates that an effort measures at the most."""
ROUTES = 4
"""Routes that are looked at for one choice of preparations."""
MOST_GAINERS = 5
ORDERS = 24
"""Orders of one choice of preparations that are tried."""
GAIN = "gain"
PLACE = 3.0
"""dB that a file has to be better for each place that its format stands further down in what the device accepts."""


@dataclass(frozen=True)
class Candidate:
    """A route with the settings that are tried on it."""

    route: Route
    options: Mapping[str, Mapping[str, Json]]
    """Key of an edge → option → value, beside its defaults."""
    gain: float
    """Expected dB."""

    pinned: frozenset[str] = frozenset()
    """Keys of the edges that make it what it is; the others may be replaced when they fail."""

    @property
    def pins(self) -> tuple[str, ...]:
        return tuple(key for key in self.route.keys if key in self.pinned)

    def with_settings(self, key: str, settings: Mapping[str, Json]) -> Candidate:
        """The same with other settings of one of its edges."""
        options = {**self.options, key: {**self.options.get(key, {}), **settings}}
        return dataclasses.replace(self, options=options, pinned=self.pinned | {key})

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
    handed: Collection[str] = (),
) -> list[Candidate]:
    """Candidates, most promising first, the plain route second; effort auto begins with the plain one. Raises PlanError where there is no route."""
    way = Way(catalog, source, target, blocked, tuple(avoid), handed)
    plain = way.routes(via)
    first = _candidate(catalog, plain[0], {}, 0.0, via)
    if effort == "fast":
        return [first]
    routes = [r for r in plain if not _dominated(catalog, r, via)] or [plain[0]]
    for chosen in _subsets(catalog, [c for c in catalog.converters if c.gain and c.effort and LEVELS[c.effort] <= LEVELS[effort]]):
        routes += [r for r in _through(way, via, chosen) if not _dominated(catalog, r, via)]
    found = [c for route in {r.keys: r for r in routes}.values() for c in _settings(catalog, route, effort, via)]
    ranked = _mixed(sorted(found, key=lambda c: (place(catalog, c.route) * PLACE - c.gain, c.route.cost, c.route.keys, c.name)))
    rest = [c for c in ranked if (c.route.keys, c.options) != (first.route.keys, {})]
    return [first, *rest] if effort == DEFAULT else [*rest[:1], first, *rest[1:]]


@dataclass(frozen=True)
class Way:
    """What the routes of all candidates have in common."""

    catalog: Catalog
    source: str
    target: str
    blocked: Mapping[str, LeftOut]
    avoid: tuple[str, ...]
    handed: Collection[str]

    def routes(self, via: Sequence[str]) -> tuple[Route, ...]:
        return planner.plan(
            self.catalog, self.source, self.target, blocked=self.blocked, via=via, avoid=self.avoid, handed=self.handed, k=ROUTES
        ).routes


def place(catalog: Catalog, route: Route) -> int:
    """How far down in what the device accepts the format stands that a route delivers."""
    accepted = catalog.target(route.target).accepts
    return min((rank for rank, kind in enumerate(accepted) if catalog.is_a(route.delivers, kind)), default=0)


def quantizes(catalog: Catalog, route: Route) -> bool:
    return any(catalog.formats[c.target].precision == "int8" for c in route.converters)


def _candidate(catalog: Catalog, route: Route, options: Mapping[str, Mapping[str, Json]], gain: float, via: Sequence[str]) -> Candidate:
    telling = [c for c in route.converters if c.gain or catalog.formats[c.target].precision == "int8" or {c.name, c.key} & set(via)]
    return Candidate(route, options, gain, frozenset(c.key for c in telling) | frozenset(options))


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


def _through(way: Way, via: Sequence[str], chosen: Sequence[str]) -> list[Route]:
    """The best routes that take the chosen edges, somewhere among the pins; none where they do not fit together."""
    orders = itertools.islice(itertools.permutations(chosen), ORDERS)
    for order, place in itertools.product(orders, range(len(via), -1, -1)):
        with contextlib.suppress(PlanError):
            return [r for r in way.routes((*via[:place], *order, *via[place:])) if _only(r, chosen, via)]
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


def _settings(catalog: Catalog, route: Route, effort: str, via: Sequence[str]) -> Iterator[Candidate]:
    """The route with its defaults, then with the variants of its edges: all combinations with effort max; otherwise the first of each edge, one at a
    time, and all of those together that promise a gain."""
    gain = sum(c.gain for c in route.converters)
    choices = [[(c, v) for v in ({}, *(c.variants if effort == "max" else c.variants[:1]))] for c in route.converters]
    promising = sum(1 for choice in choices if len(choice) > 1 and _gain(choice[1][1]) > 0)
    for combination in itertools.product(*choices):
        taken = [(c, v) for c, v in combination if v]
        together = len(taken) == promising and all(_gain(v) > 0 for _, v in taken)
        if effort != "max" and len(taken) > 1 and not together:
            continue
        options = {c.key: {k: x for k, x in v.items() if k != GAIN} for c, v in taken}
        yield _candidate(catalog, route, options, gain + sum(_gain(v) for _, v in taken), via)


def _gain(variant: Mapping[str, Json]) -> float:
    return float(variant.get(GAIN, 0.0))
