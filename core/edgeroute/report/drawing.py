"""The graph of formats with routes in it: SVG, Mermaid and dot.

A converter is a node of its own between two formats, as in the planner: so parallel edges keep their names. Everything that
comes from files or plugins is escaped here. Routes are marked by classes and `data-` attributes; colours come from the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from edgeroute.report import words
from edgeroute.report.facts import rows
from edgeroute.report.layout import Box, Edge, Point, lay_out
from edgeroute.report.shapes import curve
from edgeroute.types import Json

CHARACTER = 7.3
"""Width of a monospaced character of 12 px."""
PADDING = 14
MARGIN = 10
LONGEST = 30


def graph_svg(
    graph: Mapping[str, Json],
    routes: Sequence[Sequence[str]] = (),
    *,
    source: str = "",
    target: str = "",
    notes: Mapping[str, str] | None = None,
    rejected: Sequence[str] = (),
    widest: float = float("inf"),
) -> str:
    """The graph as SVG; `routes` are lists of edge keys, `notes` maps an edge's key to a second line, `rejected` are keys that failed.

    From left to right, or from top to bottom where it would be wider than `widest` pixels.
    """
    picture = _Picture(graph, routes, source, target, notes or {}, frozenset(rejected))
    straight = [link for link, key in picture.links.items() if 0 in picture.used.get(key, ())]
    layout = lay_out(picture.sizes, list(picture.links), straight=straight)
    picture.vertical = layout.width > widest
    if picture.vertical:
        layout = lay_out(picture.sizes, list(picture.links), straight=straight, vertical=True)
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    wires = "".join(picture.wire(link, layout.paths[link]) for link in picture.links if link in layout.paths)
    boxes = "".join(picture.box(name, box) for name, box in layout.boxes.items())
    label = f"Graph of formats from {source} to {target}" if source else "Graph of formats"
    return (
        f'<svg class="graph" role="img" aria-label="{escape(words.clean(label))}" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width:.0f} {height:.0f}" xmlns="http://www.w3.org/2000/svg">{ARROWS}'
        f'<g class="wires">{wires}</g><g class="boxes">{boxes}</g></svg>'
    )


ARROWS = "<defs>" + "".join(
    f'<marker id="arrow-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" orient="auto">'
    f'<path class="head {name}" d="M0 0.8 L7.5 4 L0 7.2 z"/></marker>'
    for name in ("plain", "route")
) + "</defs>"  # fmt: skip


class _Picture:
    """Which boxes and wires there are, and how each looks."""

    def __init__(
        self,
        graph: Mapping[str, Json],
        routes: Sequence[Sequence[str]],
        source: str,
        target: str,
        notes: Mapping[str, str],
        rejected: frozenset[str],
    ) -> None:
        self.nodes = {f"n:{n['name']}": n for n in rows(graph.get("nodes"))}
        self.edges = {str(e["key"]): e for e in rows(graph.get("edges"))}
        self.source, self.target, self.notes, self.rejected = source, target, notes, rejected
        self.used = _used(self.edges, routes, source, target)
        self.sizes = {name: _size(_caption(n), _second(n)) for name, n in self.nodes.items()}
        self.links: dict[Edge, str] = {}
        self.vertical = False
        for key, edge in self.edges.items():
            self._link(key, edge)

    def _link(self, key: str, edge: Mapping[str, Json]) -> None:
        start, end = f"n:{edge['source']}", f"n:{edge['target']}"
        if start not in self.nodes or end not in self.nodes:
            return
        if edge.get("kind") != "converter":
            self.links[(start, end)] = key
            return
        box = f"c:{key}"
        self.sizes[box] = _size(_caption(edge), self.notes.get(key, ""))
        self.links[(start, box)] = key
        self.links[(box, end)] = key

    def marks(self, key: str) -> str:
        """Classes and data attributes of what belongs to an edge."""
        edge = self.edges[key]
        classes = [str(edge.get("kind", "")).replace("_", "-")]
        if key in self.rejected:
            classes.append("rejected")
        elif edge.get("reason") and key not in self.used:
            classes.append("closed")
        return self._marked(classes, self.used.get(key, []), key)

    def _marked(self, classes: list[str], routes: Sequence[int], key: str) -> str:
        if routes:
            classes = [*classes, "used", *(["best"] if 0 in routes else [])]
        numbers = " ".join(str(r) for r in routes)
        return f'class="{escape(" ".join(classes))}" data-routes="{numbers}" data-key="{escape(words.clean(key))}"'

    def wire(self, link: Edge, points: Sequence[Point]) -> str:
        key = self.links[link]
        head = "" if link[1].startswith("c:") else f' marker-end="url(#arrow-{"route" if 0 in self.used.get(key, ()) else "plain"})"'
        return f'<path {self.marks(key)} d="{curve(points, vertical=self.vertical)}"{head}/>'

    def box(self, name: str, box: Box) -> str:
        if name.startswith("c:"):
            edge = self.edges[name[2:]]
            return _box(self.marks(name[2:]), box, _caption(edge), self.notes.get(name[2:], ""), _hint(edge), box.height / 2)
        node = self.nodes[name]
        routes = sorted({r for key, e in self.edges.items() if node["name"] in (e["source"], e["target"]) for r in self.used.get(key, ())})
        ends = ["source"] if node["name"] == self.source else ["end"] if node["name"] == self.target else []
        marks = self._marked([str(node.get("kind") or "format"), *ends], routes, str(node["name"]))
        return _box(marks, box, _caption(node), _second(node), str(node.get("title") or ""), 6)


def _used(edges: Mapping[str, Mapping[str, Json]], routes: Sequence[Sequence[str]], source: str, target: str) -> dict[str, list[int]]:
    """Edge key → numbers of the routes through it; the unnamed edges (is_a, accepts) between two converters belong too."""
    used: dict[str, list[int]] = {}
    plain: dict[str, list[str]] = {}
    for key, edge in edges.items():
        if edge.get("kind") != "converter":
            plain.setdefault(str(edge["source"]), []).append(key)
    for number, route in enumerate(routes):
        keys = [k for k in route if k in edges]
        starts = [source, *(str(edges[k]["target"]) for k in keys)]
        ends = [*(str(edges[k]["source"]) for k in keys), target]
        between = (key for a, b in zip(starts, ends, strict=True) for key in _bridge(edges, plain, a, b))
        for key in dict.fromkeys([*keys, *between]):
            used.setdefault(key, []).append(number)
    return used


def _bridge(edges: Mapping[str, Mapping[str, Json]], plain: Mapping[str, Sequence[str]], start: str, end: str) -> list[str]:
    """Unnamed edges that lead from one node to another; empty when they are the same or none do."""
    waiting: list[tuple[str, list[str]]] = [(start, [])]
    seen = {start}
    for node, path in waiting:
        if node == end:
            return path
        for key in plain.get(node, ()):
            following = str(edges[key]["target"])
            if following not in seen:
                seen.add(following)
                waiting.append((following, [*path, key]))
    return []


def _caption(thing: Mapping[str, Json]) -> str:
    return words.shorten(words.clean(thing.get("name", "")), LONGEST)


def _second(node: Mapping[str, Json]) -> str:
    title = words.clean(node.get("title") or "")
    return "" if title.lower().replace(" ", "-") == str(node.get("name", "")).lower() else words.shorten(title, LONGEST + 4)


def _size(first: str, second: str) -> tuple[float, float]:
    characters = max(words.width(first), words.width(second) * 0.88)
    return characters * CHARACTER + 2 * PADDING, 42.0 if second else 28.0


def _box(marks: str, box: Box, first: str, second: str, hint: str, radius: float) -> str:
    middle = box.x + box.width / 2
    title = f"<title>{escape(hint)}</title>" if hint else ""
    below = f'<text class="second" x="{middle:.1f}" y="{box.y + 33:.1f}">{escape(second)}</text>' if second else ""
    return (
        f'<g {marks} tabindex="0">{title}<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius:.0f}"/>'
        f'<text class="first" x="{middle:.1f}" y="{box.y + (18 if second else 18.5):.1f}">{escape(first)}</text>{below}</g>'
    )


def _hint(edge: Mapping[str, Json]) -> str:
    lines = [words.clean(edge.get("title") or edge.get("name") or ""), f"{edge['source']} → {edge['target']}"]
    lines += [f"cost {words.number(edge['cost'])}"] if words.is_number(edge.get("cost")) else []
    lines += [f"{word}: {words.clean(edge[key])}" for word, key in (("environment", "environment"), ("tool", "tool")) if edge.get(key)]
    lines += [words.clean(edge["reason"])] if edge.get("reason") else []
    return "\n".join(lines)
