"""A plan drawn over the graph of formats: Mermaid, dot, and an interactive page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from edgeroute.report import diagrams, html, words
from edgeroute.report.blocks import Cell
from edgeroute.report.drawing import graph_svg
from edgeroute.report.facts import as_json, mapping, rows
from edgeroute.report.graph import trimmed
from edgeroute.report.plan import converter_cost, converter_key, left_out_section, needs, plan_document, route_names
from edgeroute.types import Json


def route_keys(plan: object) -> list[list[str]]:
    """The edges of every route, by key."""
    return [[converter_key(c) for c in rows(r.get("converters"))] for r in rows(mapping(as_json(plan)).get("routes"))]


def plan_mermaid(plan: object, graph: object) -> str:
    """The part of the graph between the plan's ends, as a Mermaid flowchart."""
    return diagrams.mermaid(_part(plan, graph), route_keys(plan))


def plan_dot(plan: object, graph: object) -> str:
    """The part of the graph between the plan's ends, for Graphviz."""
    return diagrams.dot(_part(plan, graph), route_keys(plan))


def _part(plan: object, graph: object) -> dict[str, Json]:
    value = mapping(as_json(plan))
    return trimmed(_with_reasons(mapping(as_json(graph)), rows(value.get("left_out"))), str(value.get("source")), str(value.get("target")))


def _with_reasons(graph: Mapping[str, Json], left_out: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    reasons = {str(r.get("converter")): r for r in left_out}
    edges = [
        {**e, **{k: reasons[e["key"]].get(k, "") for k in ("reason", "remedy")}} if e["key"] in reasons else e
        for e in rows(graph.get("edges"))
    ]
    return {"nodes": rows(graph.get("nodes")), "edges": edges}


def plan_html(plan: object, graph: object, environments: Mapping[str, str] | None = None) -> str:
    """A self-contained page: routes as cards, the graph with each of them; pointing at a card or an edge lights its route up."""
    value = mapping(as_json(plan))
    source, target = str(value.get("source", "")), str(value.get("target", ""))
    routes = rows(value.get("routes"))
    keys = route_keys(value)
    part = graph_svg(_part(plan, graph), keys, source=source, target=target, widest=1090)
    whole = _with_reasons(mapping(as_json(graph)), rows(value.get("left_out")))
    document = plan_document(value, environments)
    cards = "".join(_card(i, r, environments or {}) for i, r in enumerate(routes))
    better = "".join(f'<p class="warn">{escape(words.clean(text))}</p>' for text in value.get("better") or [])
    body = (
        html.head(document)
        + f'<section id="routes"><h2>Routes</h2>{better}<div class="cards" role="listbox" aria-label="Routes">{cards}</div></section>'
        + f'<section id="graph"><h2>The graph between {escape(words.clean(source))} and {escape(words.clean(target))}</h2>'
        + f'<figure class="routed"><div class="scroll">{part}</div>{LEGEND}</figure><dl id="about" hidden></dl></section>'
        + html.section(left_out_section(rows(value.get("left_out"))))
        + f'<section id="whole"><h2>The whole graph</h2><details><summary>{len(whole["nodes"])} formats and devices, {len(whole["edges"])} edges</summary>'
        + f'<div class="scroll tall routed">{graph_svg(whole, keys, source=source, target=target)}</div></details></section>'
    )
    links = "".join(
        f'<a href="#{i}">{t}</a>' for i, t in (("routes", "Routes"), ("graph", "Graph"), ("left-out", "Left out"), ("whole", "Whole graph"))
    )
    return html.page(document.title, links, body, ("page.js", "plan.js"), ("style.css", "plan.css"))


LEGEND = (
    '<figcaption>Boxes are formats, pills are converters; the chosen route is coloured, closed edges are dashed. '
    "Point at a route or a pill to see it; click to keep it.</figcaption>"
)  # fmt: skip


def _card(number: int, route: Mapping[str, Json], environments: Mapping[str, str]) -> str:
    steps = "".join(_card_step(c, environments) for c in rows(route.get("converters")))
    title = " → ".join(route_names(route)) or "accepted as it is"
    return (
        f'<div class="card" role="option" tabindex="0" data-route="{number}" aria-selected="{"true" if number == 0 else "false"}">'
        f'<div class="card-head"><b>{number + 1}</b><span class="badge">cost {words.number(route.get("cost"))}</span>'
        f'<span class="muted">delivers <code>{escape(words.clean(route.get("delivers") or route.get("source", "")))}</code></span></div>'
        f'<div class="card-title code">{escape(title)}</div><ol>{steps}</ol></div>'
    )


def _card_step(converter: Mapping[str, Json], environments: Mapping[str, str]) -> str:
    where: Cell = needs(converter, environments)
    return (
        f'<li data-key="{escape(words.clean(converter_key(converter)))}"><code>{escape(words.clean(converter.get("name", "")))}</code> '
        f'<span class="muted">{words.number(converter_cost(converter), 2)}</span> <span class="{where.tone}">{escape(where.text)}</span></li>'
    )
