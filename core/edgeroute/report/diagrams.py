"""The graph of formats as text for other programs: Mermaid and Graphviz's dot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.facts import rows
from edgeroute.types import Json


def mermaid(graph: Mapping[str, Json], routes: Sequence[Sequence[str]] = ()) -> str:
    """A flowchart; edges of the first route are thick, those of others have a plain arrow, the rest is dotted."""
    numbers = _numbers(graph)
    lines = ["flowchart LR"]
    for node in rows(graph.get("nodes")):
        text = _mermaid_text(node["name"])
        shape = f'(["{text}"])' if node.get("kind") == "target" else f'["{text}"]'
        lines.append(f"  {numbers[node['name']]}{shape}")
    for edge in _known(graph, numbers):
        arrow = _weight(edge, routes, ("==>", "-->", "-.->"))
        label = f'|"{_mermaid_text(edge["name"])}"|' if edge.get("name") else ""
        lines.append(f"  {numbers[edge['source']]} {arrow}{label} {numbers[edge['target']]}")
    return "\n".join(lines) + "\n"


def dot(graph: Mapping[str, Json], routes: Sequence[Sequence[str]] = ()) -> str:
    """A digraph for Graphviz, with the same weights of lines."""
    numbers = _numbers(graph)
    lines = [
        "digraph edgeroute {",
        "  rankdir=LR;",
        '  node [shape=box, fontname="monospace", fontsize=11];',
        '  edge [fontname="monospace", fontsize=10];',
    ]
    for node in rows(graph.get("nodes")):
        style = ", style=rounded, peripheries=2" if node.get("kind") == "target" else ""
        lines.append(f"  {numbers[node['name']]} [label={_dot_text(node['name'])}{style}];")
    for edge in _known(graph, numbers):
        style = _weight(edge, routes, ("penwidth=2.5", "penwidth=1", "style=dotted"))
        label = f"label={_dot_text(edge['name'])}, " if edge.get("name") else ""
        lines.append(f"  {numbers[edge['source']]} -> {numbers[edge['target']]} [{label}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _numbers(graph: Mapping[str, Json]) -> dict[str, str]:
    return {node["name"]: f"n{index}" for index, node in enumerate(rows(graph.get("nodes")))}


def _known(graph: Mapping[str, Json], numbers: Mapping[str, str]) -> list[Mapping[str, Json]]:
    return [e for e in rows(graph.get("edges")) if e["source"] in numbers and e["target"] in numbers]


def _weight(edge: Mapping[str, Json], routes: Sequence[Sequence[str]], styles: tuple[str, str, str]) -> str:
    if routes and edge["key"] in routes[0]:
        return styles[0]
    if not routes or edge.get("kind") != "converter" or any(edge["key"] in route for route in routes):
        return styles[1]
    return styles[2]


def _mermaid_text(value: Json) -> str:
    """Mermaid reads HTML entities inside quotes, written with # in place of &."""
    plain = words.clean(value).replace("#", "#35;")
    for character, code in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;"), ("|", "#124;"), ("\\", "#92;")):
        plain = plain.replace(character, code)
    return plain


def _dot_text(value: Json) -> str:
    return '"' + words.clean(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
