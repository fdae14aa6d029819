"""Catalog → ranked routes. Pure: the same inputs give the same route, whatever the load order.

A converter is a node too (`format → converter → format`), so that parallel edges and ranked routes come from networkx as
they are. `via` is a product graph: one layer for each pin that has been met, so a route that is found has met them all.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

import networkx as nx

from edgeroute.catalog import Catalog
from edgeroute.errors import PlanError
from edgeroute.types import Converter, LeftOut, Plan, Route, Target

Node: TypeAlias = tuple[str, str, int]
"""(kind, name, layer): kind is format, converter or target; layer counts the pins that have been met."""

PREFERENCE = 0.5
"""What each place down a target's list of accepted formats costs."""
HANDOVER = 50.0
"""What it costs that a colleague has to run the last edge: more than any route that is complete."""
LIMIT = 400
"""Simple paths looked at, at the most."""
ON_REQUEST = "taken only on request"
COSTLY = "on routes that cost more than these"


def plan(
    catalog: Catalog,
    source: str,
    target: str,
    *,
    blocked: Mapping[str, LeftOut] | None = None,
    via: Sequence[str] = (),
    avoid: Sequence[str] = (),
    costs: Mapping[str, float] | None = None,
    handed: Collection[str] = (),
    opened: Collection[str] = (),
    k: int = 3,
) -> Plan:
    """Rank the routes from a format to a target.

    `blocked` maps the keys of edges that cannot run to the reason; `via` names converters that must be taken, in order;
    `avoid` names those that must not; `costs` replaces declared costs by key (learned from history); `handed` are the blocked
    edges that a colleague can run: they may end a route, which then costs more than any that is complete; `opened` are edges on
    request that may be taken all the same (a search).
    Raises UsageError for names that do not exist, PlanError when `k` ≥ 1 routes are asked for and there is none.
    """
    device = catalog.target(target)
    catalog.format(source)
    for name in (*via, *avoid):
        catalog.named(name)
    blocked = dict(blocked or {})
    here = {key: reason for key, reason in blocked.items() if key not in handed}
    closed = {**_unasked(catalog, via, opened), **here, **_avoided(catalog, avoid)}
    routes = _routes(catalog, source, device, via, closed, costs or {}, k, handed)
    left_out = _left_out(catalog, source, device, routes, closed)
    if not routes:
        way = next(iter(_routes(catalog, source, device, via, _unasked(catalog, via, opened), costs or {}, 1)), None)
        raise _no_route(catalog, source, device, via, [item for item in left_out if item.converter in closed], way)
    open_again = {key: reason for key, reason in closed.items() if key not in blocked}
    best = _routes(catalog, source, device, via, open_again, costs or {}, 1)
    return Plan(source, target, routes, left_out, _better(best, routes, blocked))


def graph(
    catalog: Catalog,
    target: Target,
    via: Sequence[str],
    closed: Mapping[str, LeftOut],
    costs: Mapping[str, float],
    handed: Collection[str] = (),
) -> nx.DiGraph:
    """The layered graph that routes are found in."""
    net = nx.DiGraph()
    for layer in range(len(via) + 1):
        for converter in catalog.converters:
            if converter.key in closed:
                continue
            if converter.key in handed:
                _add_last(net, catalog, converter, target, layer, via, costs)
            else:
                _add_converter(net, catalog, converter, layer, via, costs)
    for kind in catalog.formats:
        rank = min((r for r, accepted in enumerate(target.accepts) if catalog.is_a(kind, accepted)), default=None)
        if rank is not None:
            net.add_edge(("format", kind, len(via)), ("target", target.name, len(via)), weight=PREFERENCE * rank)
    return net


def _add_converter(
    net: nx.DiGraph, catalog: Catalog, converter: Converter, layer: int, via: Sequence[str], costs: Mapping[str, float]
) -> None:
    node = ("converter", converter.key, layer)
    _add_sources(net, catalog, converter, node, costs)
    net.add_edge(node, ("format", converter.target, _after(converter, layer, via)), weight=0.0)


def _add_sources(net: nx.DiGraph, catalog: Catalog, converter: Converter, node: Node, costs: Mapping[str, float]) -> None:
    """A converter takes its format and every special case of it; that a special case *becomes* the general one would hide routes
    that refine a format, since a simple path meets each of them once."""
    for kind in catalog.formats:
        if catalog.is_a(kind, converter.source):
            net.add_edge(("format", kind, node[2]), node, weight=costs.get(converter.key, converter.cost.total))


def _after(converter: Converter, layer: int, via: Sequence[str]) -> int:
    """How many pins have been met behind an edge."""
    return layer + 1 if layer < len(via) and via[layer] in (converter.name, converter.key) else layer


def _add_last(
    net: nx.DiGraph, catalog: Catalog, converter: Converter, target: Target, layer: int, via: Sequence[str], costs: Mapping[str, float]
) -> None:
    """An edge that a colleague runs leads to the target alone: nothing here can follow it."""
    ranks = [rank for rank, accepted in enumerate(target.accepts) if catalog.is_a(converter.target, accepted)]
    if not ranks or _after(converter, layer, via) != len(via):
        return
    node = ("converter", converter.key, layer)
    _add_sources(net, catalog, converter, node, costs)
    net.add_edge(node, ("target", target.name, len(via)), weight=HANDOVER + PREFERENCE * ranks[0])


def _routes(
    catalog: Catalog,
    source: str,
    target: Target,
    via: Sequence[str],
    closed: Mapping[str, LeftOut],
    costs: Mapping[str, float],
    k: int,
    handed: Collection[str] = (),
) -> tuple[Route, ...]:
    net = graph(catalog, target, via, closed, costs, handed)
    start, end = ("format", source, 0), ("target", target.name, len(via))
    if start not in net or end not in net or not nx.has_path(net, start, end):
        return ()
    by_key = {c.key: c for c in catalog.converters}
    routes: dict[tuple[str, ...], Route] = {}
    for path, exact in itertools.islice(_paths(net, start, end), LIMIT):
        cost = round(exact, 4)
        if len(routes) >= k and cost > sorted(r.cost for r in routes.values())[k - 1] + 1e-9:
            break
        converters = tuple(by_key[name] for kind, name, _ in path if kind == "converter")
        route = _route(source, target, converters, cost, path[-2])
        if _repeats(route) or _idles(catalog, route, via):
            continue
        routes.setdefault(route.keys, route)
    return tuple(sorted(routes.values(), key=lambda r: (r.cost, r.keys))[:k])


def _route(source: str, target: Target, converters: tuple[Converter, ...], cost: float, end: Node) -> Route:
    """`end` is what stands in front of the target: a format, or an edge that a colleague runs."""
    kind, name, _ = end
    delivers = name if kind == "format" else converters[-1].target
    return Route(source, target.name, converters, cost, delivers, "" if kind == "format" else name)


def _paths(net: nx.DiGraph, start: Node, end: Node) -> Iterator[tuple[list[Node], float]]:
    for path in nx.shortest_simple_paths(net, start, end, weight="weight"):
        yield path, sum(net[a][b]["weight"] for a, b in itertools.pairwise(path))


def _repeats(route: Route) -> bool:
    """Whether an edge is taken twice, which only the layers of `via` make possible."""
    return len(set(route.keys)) != len(route.keys)


def _idles(catalog: Catalog, route: Route, via: Sequence[str]) -> bool:
    """Whether it takes an edge that only refines a format, without need: the next edge takes the unrefined one, too."""
    for place, edge in enumerate(route.converters[:-1]):
        before = route.converters[place - 1].target if place else route.source
        refines = catalog.is_a(edge.target, edge.source) and not edge.gain
        if refines and not {edge.name, edge.key} & set(via) and catalog.is_a(before, route.converters[place + 1].source):
            return True
    return False


def _unasked(catalog: Catalog, via: Sequence[str], opened: Collection[str]) -> dict[str, LeftOut]:
    return {
        c.key: LeftOut(c.key, ON_REQUEST, f"add `--via {c.name}`")
        for c in catalog.converters
        if c.on_request and not {c.name, c.key} & {*via, *opened}
    }


def _avoided(catalog: Catalog, avoid: Sequence[str]) -> dict[str, LeftOut]:
    return {
        c.key: LeftOut(c.key, "you asked to avoid it", f"drop it from `--avoid {c.name}`")
        for c in catalog.converters
        if {c.name, c.key} & set(avoid)
    }


def _left_out(catalog: Catalog, source: str, target: Target, routes: Sequence[Route], closed: Mapping[str, LeftOut]) -> tuple[LeftOut, ...]:
    taken = {key for route in routes for key in route.keys}
    net = graph(catalog, target, (), {}, {})
    from_source = _reach(net, ("format", source, 0))
    to_target = _reach(net.reverse(copy=False), ("target", target.name, 0))
    answers = []
    for converter in catalog.converters:
        node = ("converter", converter.key, 0)
        if converter.key in taken:
            continue
        if node not in from_source:
            answers.append(LeftOut(converter.key, f"nothing leads from {source} to {converter.source}"))
        elif node not in to_target:
            answers.append(LeftOut(converter.key, f"nothing leads from {converter.target} to {target.name}"))
        elif converter.key in closed:
            answers.append(closed[converter.key])
        else:
            answers.append(LeftOut(converter.key, COSTLY, f"add `--via {converter.name}`"))
    return tuple(answers)


def _reach(net: nx.DiGraph, start: Node) -> set[Node]:
    return set(nx.descendants(net, start)) | {start} if start in net else {start}


def _better(best: Sequence[Route], routes: Sequence[Route], blocked: Mapping[str, LeftOut]) -> tuple[str, ...]:
    if not best or not routes or best[0].cost >= routes[0].cost:
        return ()
    missing = [blocked[key] for key in best[0].keys if key in blocked]
    names = " → ".join(best[0].names)
    return tuple(f"{names} would be better, but {m.reason}; to open it: {m.remedy or 'see above'}" for m in missing)


def _no_route(
    catalog: Catalog, source: str, target: Target, via: Sequence[str], left_out: Sequence[LeftOut], way: Route | None
) -> PlanError:
    """`way` is the best route if every edge were open: its closed edges come first, and edges on request only where nothing else is left."""
    useful = [item for item in left_out if not item.reason.startswith("nothing leads")]
    useful = [item for item in useful if item.reason != ON_REQUEST] or useful
    useful.sort(key=lambda item: way is None or item.converter not in way.keys)
    reasons = [f"{item.converter}: {item.reason}" for item in useful]
    detail = "; ".join(reasons) if reasons else _dead_end(catalog, source, target)
    pins = f" through {', '.join(via)}" if via else ""
    remedies = [item.remedy for item in useful if item.remedy]
    fallback = f"`edgeroute plan {source} --to {target.name}` shows what is there; `edgeroute list converters` all edges"
    return PlanError(
        f"no route leads from {source} to {target.name}{pins}: {detail}",
        remedy=remedies[0] if remedies else fallback,
        where=f"{source} → {target.name}",
    )


def _dead_end(catalog: Catalog, source: str, target: Target) -> str:
    ends = sorted({c.target for c in catalog.converters if catalog.is_a(source, c.source)})
    accepted = ", ".join(target.accepts)
    if not ends:
        return f"no converter takes {source}, and {target.name} loads only {accepted}"
    return f"from {source} one comes to {', '.join(ends)}, but {target.name} loads only {accepted}"
