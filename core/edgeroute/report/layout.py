"""A directed graph on paper, left to right: longest-path layers, few crossings, short edges.

The steps are those of Sugiyama, Tagawa and Toda (1981): turn back edges round, put nodes in layers, let long edges pass
through points of their own in every layer between, order each layer by its neighbours' medians, then move nodes towards
their neighbours without leaving the order. Deterministic: the order of the nodes and edges that are given breaks ties.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Edge: TypeAlias = tuple[str, str]
Point: TypeAlias = tuple[float, float]

LAYER_GAP = 44.0
ROW_GAP = 24.0
"""Between layers that stand side by side, and that stand one under the other."""
NODE_GAP = 16.0
POINT_GAP = 12.0
SWEEPS = 12
PULLS = 30
HEAVY = 50.0
"""How much more than others the nodes of straight edges hold their place, which is the same line for all."""


@dataclass(frozen=True)
class Box:
    """A node's place: its upper left corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Layout:
    boxes: Mapping[str, Box]
    paths: Mapping[Edge, tuple[Point, ...]]
    """From the edge's first node to its second, whichever of them stands further left."""
    width: float
    height: float


@dataclass
class _Layers:
    """Nodes and pass-through points in their columns, in order from top to bottom."""

    columns: list[list[str]]
    before: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)
    chains: dict[Edge, list[str]] = field(default_factory=dict)
    heavy: set[str] = field(default_factory=set)
    """Nodes and points of the edges that are to be straight."""


def lay_out(
    sizes: Mapping[str, tuple[float, float]], edges: Sequence[Edge], *, straight: Sequence[Edge] = (), vertical: bool = False
) -> Layout:
    """Place nodes of the given sizes (width, height); edges whose ends are unknown or equal are left out.

    Edges in `straight` bend last. `vertical` lays the graph out from top to bottom.
    """
    if vertical:
        return _transposed(_placed({n: (h, w) for n, (w, h) in sizes.items()}, edges, straight, ROW_GAP))
    return _placed(sizes, edges, straight, LAYER_GAP)


def _placed(sizes: Mapping[str, tuple[float, float]], edges: Sequence[Edge], straight: Sequence[Edge], gap: float) -> Layout:
    known = list(dict.fromkeys((a, b) for a, b in edges if a in sizes and b in sizes and a != b))
    turned = _back_edges(list(sizes), known)
    forward = list(dict.fromkeys((b, a) if (a, b) in turned else (a, b) for a, b in known))
    layers = _with_points(_layer_numbers(list(sizes), forward), forward)
    _order(layers)
    layers.heavy = {name for edge in straight for key in (edge, edge[::-1]) for name in layers.chains.get(key, ())}
    boxes, width, height = _coordinates(layers, sizes, gap)
    paths = {}
    for edge in known:
        key = (edge[1], edge[0]) if edge in turned else edge
        points = _path([boxes[name] for name in layers.chains[key]])
        paths[edge] = tuple(reversed(points)) if edge in turned else tuple(points)
    return Layout({name: boxes[name] for name in sizes}, paths, width, height)


def _transposed(layout: Layout) -> Layout:
    boxes = {name: Box(b.y, b.x, b.height, b.width) for name, b in layout.boxes.items()}
    paths = {edge: tuple((y, x) for x, y in points) for edge, points in layout.paths.items()}
    return Layout(boxes, paths, layout.height, layout.width)


def _followers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, list[str]]:
    after: dict[str, list[str]] = {n: [] for n in nodes}
    for a, b in edges:
        after[a].append(b)
    return after


def _back_edges(nodes: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """Edges that close a circle, found by a depth-first walk that starts where nothing leads to."""
    after = _followers(nodes, edges)
    entered = {b for _, b in edges}
    state: dict[str, int] = {}
    back: set[Edge] = set()
    for root in [n for n in nodes if n not in entered] + list(nodes):
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(after[root]))]
        while stack:
            node, targets = stack[-1]
            following = next(targets, None)
            if following is None:
                state[node] = 2
                stack.pop()
            elif following not in state:
                state[following] = 1
                stack.append((following, iter(after[following])))
            elif state[following] == 1:
                back.add((node, following))
    return back


def _layer_numbers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Longest path from a start; starts then move next to what follows them."""
    number = dict.fromkeys(nodes, 0)
    after = _followers(nodes, edges)
    waiting = Counter(b for _, b in edges)
    starts = [n for n in nodes if not waiting[n]]
    ready = list(starts)
    for node in ready:
        for following in after[node]:
            number[following] = max(number[following], number[node] + 1)
            waiting[following] -= 1
            if not waiting[following]:
                ready.append(following)
    for node in starts:
        if after[node]:
            number[node] = min(number[b] for b in after[node]) - 1
    return number


def _with_points(number: Mapping[str, int], edges: Sequence[Edge]) -> _Layers:
    layers = _Layers([[] for _ in range(max(number.values(), default=0) + 1)])
    for node, layer in number.items():
        layers.columns[layer].append(node)
    for index, (a, b) in enumerate(edges):
        points = [f"\0{index}:{layer}" for layer in range(number[a] + 1, number[b])]
        for layer, point in enumerate(points, number[a] + 1):
            layers.columns[layer].append(point)
        chain = [a, *points, b]
        layers.chains[(a, b)] = chain
        for left, right in itertools.pairwise(chain):
            layers.after.setdefault(left, []).append(right)
            layers.before.setdefault(right, []).append(left)
    return layers


def _order(layers: _Layers) -> None:
    """Sweep to and fro; keep the order with the fewest crossings."""
    best, fewest = [list(c) for c in layers.columns], _crossings(layers)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        forward = sweep % 2 == 0
        indexes = range(1, len(layers.columns)) if forward else range(len(layers.columns) - 2, -1, -1)
        for index in indexes:
            neighbours, fixed = (layers.before, index - 1) if forward else (layers.after, index + 1)
            place = {name: i for i, name in enumerate(layers.columns[fixed])}
            layers.columns[index] = _by_median(layers.columns[index], neighbours, place)
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(c) for c in layers.columns], crossings
    layers.columns = best


def _by_median(column: Sequence[str], neighbours: Mapping[str, Sequence[str]], place: Mapping[str, int]) -> list[str]:
    def weight(item: tuple[int, str]) -> float:
        index, name = item
        places = sorted(place[n] for n in neighbours.get(name, ()) if n in place)
        if not places:
            return float(index)
        half = len(places) // 2
        return float(places[half]) if len(places) % 2 else (places[half - 1] + places[half]) / 2

    return [name for _, name in sorted(enumerate(column), key=weight)]


def _crossings(layers: _Layers) -> int:
    total = 0
    for left, right in itertools.pairwise(layers.columns):
        place = {name: i for i, name in enumerate(right)}
        ends = [place[b] for a in left for b in sorted(layers.after.get(a, ()), key=lambda b: place[b])]
        total += sum(x > y for x, y in itertools.combinations(ends, 2))
    return total


def _coordinates(layers: _Layers, sizes: Mapping[str, tuple[float, float]], gap: float) -> tuple[dict[str, Box], float, float]:
    heights = {name: sizes[name][1] if name in sizes else 0.0 for column in layers.columns for name in column}
    middles: dict[str, float] = {}
    for column in layers.columns:
        middles.update(zip(column, _spread(column, heights, [0.0] * len(column), layers.heavy), strict=True))
    for sweep in range(PULLS):
        columns = layers.columns if sweep % 2 == 0 else layers.columns[::-1]
        for column in columns:
            wanted = [_pull(name, layers, middles) for name in column]
            middles.update(zip(column, _spread(column, heights, wanted, layers.heavy), strict=True))
    return _boxes(layers, sizes, heights, middles, gap)


def _pull(name: str, layers: _Layers, middles: Mapping[str, float]) -> float:
    if name in layers.heavy:
        return 0.0
    neighbours = [*layers.before.get(name, ()), *layers.after.get(name, ())]
    return sum(middles[n] for n in neighbours) / len(neighbours) if neighbours else middles[name]


def _spread(column: Sequence[str], heights: Mapping[str, float], wanted: Sequence[float], heavy: Collection[str]) -> list[float]:
    """Middles as near to the wanted ones as order and distances allow: weighted isotonic regression, by pooling neighbours."""
    offsets = [0.0]
    for above, below in itertools.pairwise(column):
        gap = NODE_GAP if heights[above] and heights[below] else POINT_GAP
        offsets.append(offsets[-1] + (heights[above] + heights[below]) / 2 + gap)
    pools: list[tuple[float, float, int]] = []
    for name, value, offset in zip(column, wanted, offsets, strict=False):
        pool = (value - offset, HEAVY if name in heavy else 1.0, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, weight, many = pools.pop()
            together = weight + pool[1]
            pool = ((mean * weight + pool[0] * pool[1]) / together, together, many + pool[2])
        pools.append(pool)
    flat = [mean for mean, _, many in pools for _ in range(many)]
    return [base + offset for base, offset in zip(flat, offsets, strict=False)]


def _boxes(
    layers: _Layers, sizes: Mapping[str, tuple[float, float]], heights: Mapping[str, float], middles: Mapping[str, float], gap: float
) -> tuple[dict[str, Box], float, float]:
    top = min((middles[n] - heights[n] / 2 for n in middles), default=0.0)
    boxes: dict[str, Box] = {}
    x = 0.0
    for column in layers.columns:
        widest = max((sizes[n][0] for n in column if n in sizes), default=0.0)
        for name in column:
            width = sizes[name][0] if name in sizes else widest
            boxes[name] = Box(x + (widest - width) / 2, middles[name] - heights[name] / 2 - top, width, heights[name])
        x += widest + gap
    bottom = max((b.y + b.height for b in boxes.values()), default=0.0)
    return boxes, max(0.0, x - gap), bottom


def _path(chain: Sequence[Box]) -> list[Point]:
    """Points from the right side of the first box to the left side of the last, straight through the columns between."""
    points: list[Point] = [(chain[0].x + chain[0].width, chain[0].middle)]
    for box in chain[1:-1]:
        points += [(box.x, box.middle), (box.x + box.width, box.middle)]
    return [*points, (chain[-1].x, chain[-1].middle)]
