"""Which routes and settings a search tries, in the order of what they are expected to gain. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeroute import planner
from edgeroute.catalog import Catalog
from edgeroute.errors import PlanError
from edgeroute.types import Converter, Json, LeftOut, Route

EFFORTS = ("fast", "balanced", "max")
BUDGET = {"fast": 1, "balanced": 8, "max": 30}
"""Candidates that an effort runs at the most."""
ROUTES = 80
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
    """The budget's worth of candidates, most promising first; the plain route is always among them. Raises PlanError where there is no route."""
    opened = [c.key for c in catalog.converters if c.on_request and EFFORTS.index(c.effort) <= EFFORTS.index(effort)]
    plan = planner.plan(catalog, source, target, blocked=blocked, via=via, avoid=avoid, opened=opened, k=ROUTES)
    routes = [r for r in plan.routes if not _dominated(catalog, r, via)]
    plain = routes[0] if not opened else _plain(catalog, source, target, blocked, via, avoid) or routes[0]
    found = [c for route in routes for c in _settings(route, effort)]
    ranked = sorted(found, key=lambda c: (-c.gain, c.route.cost, c.route.keys, c.name))
    first = Candidate(plain, {}, 0.0)
    return [*[c for c in ranked if (c.route.keys, c.options) != (plain.keys, {})][: BUDGET[effort] - 1], first]


def _plain(
    catalog: Catalog, source: str, target: str, blocked: Mapping[str, LeftOut], via: Sequence[str], avoid: Sequence[str]
) -> Route | None:
    try:
        return planner.plan(catalog, source, target, blocked=blocked, via=via, avoid=avoid, k=1).routes[0]
    except PlanError:
        return None


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
