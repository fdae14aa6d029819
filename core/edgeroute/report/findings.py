"""Findings, and what was tried and left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import Block, Cell, Column, Item, Items, Prose, Section, Table
from edgeroute.report.facts import mapping, tally
from edgeroute.types import Json


def findings_section(findings: Sequence[Mapping[str, Json]]) -> Section:
    """Everything that was found, in order of weight."""
    if not findings:
        return Section("findings", "Findings", (Prose("Nothing to report.", "good"),))
    return Section("findings", "Findings", (Prose(f"{tally(findings)}, in order of weight."), Items(tuple(_item(f) for f in findings))))


def _item(finding: Mapping[str, Json]) -> Item:
    return Item(
        severity=words.clean(finding.get("severity", "")),
        code=words.clean(finding.get("code", "")),
        message=words.clean(finding.get("message", "")),
        remedy=words.clean(finding.get("remedy", "")),
        where=words.clean(finding.get("where", "")),
        cost=float(finding.get("cost") or 0),
    )


def rejected_section(rejected: Sequence[Mapping[str, Json]]) -> Section:
    """Routes and edges that were tried or left out, with the reason of each."""
    if not rejected:
        return Section("rejected", "Rejected routes", (Prose("None: the first route held."),))
    columns = (Column("Converter", code=True), Column("From", code=True), Column("Why", prose=True), Column("To change that", prose=True))
    return Section("rejected", "Rejected routes", (Table(columns, tuple(_rejected_row(r) for r in rejected)),))


def _rejected_row(entry: Mapping[str, Json]) -> tuple[Cell, ...]:
    route = entry.get("route")
    names = " → ".join(words.clean(n) for n in route) if isinstance(route, list) else ""
    name = words.clean(entry.get("converter") or entry.get("key") or names or words.NOTHING)
    why = words.clean(entry.get("reason") or entry.get("message") or words.NOTHING)
    return (
        Cell(name),
        Cell(words.clean(entry.get("from") or words.NOTHING)),
        Cell(why),
        Cell(words.clean(entry.get("remedy") or words.NOTHING)),
    )


CANDIDATE_KEYS = ("number", "label", "chosen", "status", "sqnr_db", "score", "correlation", "seconds", "why")
"""Columns of a search's candidates that are known, in the order in which they stand; others follow."""
NUMBERS = frozenset({"number", "sqnr_db", "score", "correlation", "seconds"})
LABELLED = frozenset({"name", "route", "options"})
"""Keys that a candidate's label is made of; the JSON report has them in full."""


def candidates_section(candidates: Sequence[Mapping[str, Json]]) -> Section:
    """The table of what a search tried; the chosen one is marked."""
    ways = [frozenset(name for name, _ in steps) for steps in map(_steps, candidates) if steps]
    shared = frozenset.intersection(*ways) if ways else frozenset[str]()
    labelled = [
        {**{k: v for k, v in c.items() if k not in LABELLED}, "number": i, "label": _label(c, shared)} for i, c in enumerate(candidates, 1)
    ]
    present = {key for candidate in labelled for key in candidate}
    keys = [k for k in CANDIDATE_KEYS if k in present] + sorted(present - set(CANDIDATE_KEYS))
    columns = tuple(Column(_caption(k), right=k in NUMBERS, prose=k in ("label", "why")) for k in keys)
    table = tuple(tuple(_candidate_cell(c, k) for k in keys) for c in labelled)
    note: Block = Prose(f"{words.plural(len(candidates), 'candidate')} were tried; the chosen one is marked.")
    return Section("candidates", "Tried candidates", (note, Table(columns, table)))


def _steps(candidate: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Converter and format that it writes, step by step."""
    route = candidate.get("route")
    keys = [str(key) for key in route] if isinstance(route, list) else []
    return [(key.partition(":")[0], key.rpartition("->")[2]) for key in keys]


def _label(candidate: Mapping[str, Json], shared: Collection[str]) -> str:
    """What sets a candidate apart: the converters that not all of them take, what its last step writes, and its settings."""
    steps = _steps(candidate)
    if not steps:
        return words.clean(candidate.get("name") or words.NOTHING)
    last, written = steps[-1]
    told = " → ".join([*(name for name, _ in steps[:-1] if name not in shared), f"{last} ({written})"])
    set_here = [f"{name}={value}" for values in mapping(candidate.get("options")).values() for name, value in mapping(values).items()]
    return words.clean(", ".join([told, *set_here]))


def _caption(key: str) -> str:
    return {"number": "#", "label": "Candidate", "sqnr_db": "SQNR", "seconds": "Time"}.get(key, words.label(key))


def _candidate_cell(candidate: Mapping[str, Json], key: str) -> Cell:
    value = candidate.get(key)
    if key == "chosen":
        return Cell("chosen", "good", badge=True) if value else Cell("")
    if key == "sqnr_db":
        return Cell(words.decibels(value), bar=max(0.0, min(1.0, value / 50)) if words.is_number(value) else None)
    if key == "seconds":
        return Cell(words.seconds(value))
    if isinstance(value, list):
        return Cell(" + ".join(words.clean(v) for v in value) or words.NOTHING)
    return Cell(words.any_value(value))
