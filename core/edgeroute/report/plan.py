"""A plan as a document: ranked routes, what each needs, and the reason for every edge that was left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import MUTED, WARN, Block, Cell, Column, Document, Prose, Section, Table
from edgeroute.report.facts import TONES, as_json, mapping, rows
from edgeroute.types import Json

ROUTE_COLUMNS = (
    Column(""),
    Column("Converter", code=True),
    Column("Gives", code=True),
    Column("Cost", right=True),
    Column("Runs in"),
)
UNREACHABLE = "nothing leads"


def plan_document(plan: object, environments: Mapping[str, str] | None = None) -> Document:
    """A `Plan` (or its JSON); `environments` maps an environment's or tool's name to its state: `built`, `missing: 660 MB to install`, …"""
    value = mapping(as_json(plan))
    routes = rows(value.get("routes"))
    sections = [routes_section(routes, environments or {})]
    if value.get("better"):
        sections.append(Section("better", "Better, but closed", tuple(Prose(words.clean(text), WARN) for text in value["better"])))
    sections.append(left_out_brief(rows(value.get("left_out"))))
    return Document(
        title=f"{words.clean(value.get('source', ''))} → {words.clean(value.get('target', ''))}",
        subtitle="",
        status=words.plural(len(routes), "route"),
        tone="good" if routes else "bad",
        sections=tuple(sections),
    )


def route_names(route: Mapping[str, Json]) -> list[str]:
    return [words.clean(c.get("name", "")) for c in rows(route.get("converters"))]


def converter_key(converter: Mapping[str, Json]) -> str:
    return f"{converter.get('name', '')}:{converter.get('source', '')}->{converter.get('target', '')}"


def converter_cost(converter: Mapping[str, Json]) -> float:
    """As `types.Cost.total`."""
    cost = mapping(converter.get("cost"))
    return float(10 * cost.get("risk", 0) + 2 * cost.get("loss", 0) + cost.get("seconds", 0) / 60)


def routes_section(routes: Sequence[Mapping[str, Json]], environments: Mapping[str, str]) -> Section:
    """One tree per route, the best first."""
    if not routes:
        return Section("routes", "Routes", (Prose("No route leads there.", "bad"),))
    blocks: tuple[Block, ...] = tuple(_route_block(i, r, environments) for i, r in enumerate(routes, 1))
    return Section("routes", "Routes", blocks)


def _route_block(number: int, route: Mapping[str, Json], environments: Mapping[str, str]) -> Block:
    converters = rows(route.get("converters"))
    delivers = words.clean(route.get("delivers") or route.get("source", ""))
    last = ", the last step is handed over" if route.get("handover") else ""
    head = f"{number}. cost {words.number(route.get('cost'))}, delivers {delivers}{last}"
    if not converters:
        return Prose(f"{head}: the file is accepted as it is")
    start = (Cell(""), Cell(words.clean(route.get("source", "")), MUTED), Cell(""), Cell(""), Cell(""))
    body = [_converter_row(c, i == len(converters) - 1, environments, str(route.get("handover") or "")) for i, c in enumerate(converters)]
    return Table(ROUTE_COLUMNS, (start, *body), caption=head)


def _converter_row(converter: Mapping[str, Json], last: bool, environments: Mapping[str, str], handed: str) -> tuple[Cell, ...]:
    return (
        Cell("└─" if last else "├─", MUTED),
        Cell(words.clean(converter.get("name", "")), title=words.clean(converter.get("title") or "")),
        Cell(words.clean(converter.get("target", ""))),
        Cell(words.number(converter_cost(converter), 2)),
        Cell("a colleague who has the tool", WARN) if converter_key(converter) == handed else needs(converter, environments),
    )


def needs(converter: Mapping[str, Json], environments: Mapping[str, str]) -> Cell:
    """Environment and tool of a converter with their states."""
    names = [str(converter[key]) for key in ("environment", "tool") if converter.get(key)]
    if not names:
        return Cell("edgeroute itself", MUTED)
    states = [environments.get(name, "") for name in names]
    text = ", ".join(f"{words.clean(n)} ({words.clean(s)})" if s else words.clean(n) for n, s in zip(names, states, strict=True))
    tones = [TONES.get(re.split(r"[:, ]", state)[0], "") for state in states]
    return Cell(text, next((tone for tone in ("bad", "warn", "good") if tone in tones), ""))


def left_out_section(left_out: Sequence[Mapping[str, Json]]) -> Section:
    """Every reason; edges that are simply elsewhere in the graph are only counted."""
    near, far = _near_and_far(left_out)
    entries = [(_name(r, "converter"), _name(r, "reason"), _name(r, "remedy")) for r in near]
    return _reasons(entries, "Converter", far)


def left_out_brief(left_out: Sequence[Mapping[str, Json]]) -> Section:
    """The same by reason: the converters that share it, the rarest reason first."""
    near, far = _near_and_far(left_out)
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in near:
        name = _name(entry, "converter").partition(":")[0]
        key = (
            _name(entry, "reason"),
            _name(entry, "remedy").replace(f"--via {name}", "--via NAME").replace(f"--avoid {name}", "--avoid NAME"),
        )
        groups.setdefault(key, []).append(name)
    shared = [(sorted(set(names)), reason, remedy) for (reason, remedy), names in groups.items()]
    shared.sort(key=lambda group: (len(group[0]), group[0]))
    entries = [
        (", ".join(names), reason, remedy.replace("NAME", names[0]) if len(names) == 1 else remedy) for names, reason, remedy in shared
    ]
    return _reasons(entries, "Converters", far, "Every edge with its reason: `--json`, or drawn: `--html plan.html`.")


def _near_and_far(left_out: Sequence[Mapping[str, Json]]) -> tuple[list[Mapping[str, Json]], int]:
    near = [r for r in left_out if not str(r.get("reason", "")).startswith(UNREACHABLE)]
    return sorted(near, key=lambda r: str(r.get("converter", ""))), len(left_out) - len(near)


def _name(entry: Mapping[str, Json], key: str) -> str:
    return words.clean(entry.get(key) or "")


def _reasons(entries: Sequence[tuple[str, str, str]], head: str, far: int, more: str = "") -> Section:
    """A table of converters, reasons and remedies, and what is not in it."""
    columns = (Column(head, code=True), Column("Why", prose=True), Column("To change that", prose=True))
    blocks: list[Block] = (
        [Table(columns, tuple(tuple(Cell(text or words.NOTHING) for text in entry) for entry in entries))] if entries else []
    )
    verb = "does" if far == 1 else "do"
    counted = f"{words.plural(far, 'edge')} elsewhere in the graph {verb} not lie between the two." if far else ""
    if counted or more:
        blocks.append(Prose(" ".join(text for text in (counted, more) if text), MUTED))
    return Section("left-out", "Left out", tuple(blocks))
