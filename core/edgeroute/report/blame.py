"""What `blame` says: the error budget of a route, and the layers at which the loss enters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import WARN, Cell, Column, Document, Prose, Section, Table
from edgeroute.report.facts import as_json, file_name, mapping, rows
from edgeroute.report.steps import layers_section
from edgeroute.types import Json


def blame_document(blame: object) -> Document:
    """A `Blame` (or its JSON)."""
    value = mapping(as_json(blame))
    found = rows(value.get("layers"))
    sections = [_summary(value)]
    if rows(value.get("budget")):
        sections.append(budget_section(rows(value["budget"])))
    if found:
        sections.append(layers_section(found, told=True))
    files = f"{file_name(value.get('first', ''))} → {file_name(value.get('second', ''))}"
    title = words.clean(value.get("step") or (files if value.get("second") else "blame"))
    return Document(title=title, subtitle="", status="", tone="", sections=tuple(sections))


def _summary(value: Mapping[str, Json]) -> Section:
    blocks = [Prose(words.clean(value.get("summary", "")))]
    if value.get("operators"):
        blocks.append(
            Prose(f"{words.count(value.get('matched'))} of {words.count(value.get('operators'))} operators were matched by name.")
        )
    if value.get("random"):
        blocks.append(Prose("Measured on random data; give --calibrate with typical pictures to see what matters.", WARN))
    return Section("summary", "Where the loss enters", tuple(blocks))


def budget_section(budget: Sequence[Mapping[str, Json]]) -> Section:
    """How many dB each step of a route lost."""
    columns = (
        Column("Step", code=True),
        Column("SQNR after it", right=True),
        Column("Lost", right=True),
        Column("Share of loss", right=True),
    )
    body = tuple(
        (
            Cell(words.clean(row.get("step", ""))),
            Cell(words.decibels(row["sqnr_db"]) if words.is_number(row.get("sqnr_db")) else "exact"),
            Cell(words.decibels(row["lost_db"]) if words.is_number(row.get("lost_db")) else "the first loss"),
            Cell(words.share(row.get("share")), bar=_bar(row)),
        )
        for row in budget
    )
    return Section("budget", "Error budget", (Table(columns, body),))


def _bar(row: Mapping[str, Json]) -> float | None:
    share = row.get("share")
    return min(1.0, max(0.0, float(share))) if words.is_number(share) else None
