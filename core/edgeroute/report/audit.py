"""What `verify` says of a delivered file."""

from __future__ import annotations

from collections.abc import Mapping

from edgeroute.report import words
from edgeroute.report.blocks import BAD, GOOD, MUTED, Block, Cell, Column, Document, Pairs, Prose, Section, Table
from edgeroute.report.facts import as_json, by_weight, file_name, mapping, rows
from edgeroute.report.findings import findings_section
from edgeroute.report.steps import OUTPUT_COLUMNS, output_row
from edgeroute.types import Json


def audit_document(audit: object) -> Document:
    """An `Audit` (or its JSON): the questions, what the file says of itself, what was measured again."""
    value = mapping(as_json(audit))
    sections = [_checks(value), _origin(mapping(value.get("provenance")))]
    outputs = rows(mapping(value.get("verification")).get("outputs"))
    if outputs:
        sections.append(Section("fidelity", "Measured again", (Table(OUTPUT_COLUMNS, tuple(output_row(o) for o in outputs)),)))
    findings = by_weight(rows(value.get("findings")))
    if findings:
        sections.append(findings_section(findings))
    return Document(
        title=f"{file_name(value.get('path', ''))} ← {words.clean(mapping(mapping(value.get('provenance')).get('source')).get('name', '?'))}",
        subtitle=f"{words.clean(value.get('path', ''))} · {words.clean(value.get('format', ''))}",
        status="verified" if value.get("ok") else "not as it was",
        tone=GOOD if value.get("ok") else BAD,
        sections=tuple(sections),
    )


def _checks(value: Mapping[str, Json]) -> Section:
    columns = (Column("Question", code=True), Column("Answer"), Column("What", prose=True), Column("To change that", prose=True))
    body = tuple(
        (
            Cell(words.clean(c.get("name", ""))),
            Cell("ok", GOOD, badge=True) if c.get("ok") else Cell("no", BAD, badge=True),
            Cell(words.clean(c.get("said", ""))),
            Cell(words.clean(c.get("remedy") or words.NOTHING)),
        )
        for c in rows(value.get("checks"))
    )
    return Section("checks", "Checks", (Table(columns, body),))


def _origin(said: Mapping[str, Json]) -> Section:
    if not said:
        return Section("origin", "Where it comes from", ())
    source, samples, parity = (mapping(said.get(k)) for k in ("source", "calibration", "parity"))
    steps = " → ".join(words.clean(s.get("key", "")).partition(":")[0] for s in rows(said.get("steps")))
    made_up = " (random)" if samples.get("random") else ""
    pairs = (
        ("Source", Cell(f"{words.clean(source.get('name', ''))} ({words.size(source.get('bytes'))})")),
        ("Source SHA-256", Cell(words.clean(source.get("sha256", "")))),
        ("Route", Cell(f"{steps} → {words.clean(said.get('target', ''))}")),
        ("edgeroute", Cell(words.clean(said.get("edgeroute", "")))),
        ("Samples", Cell(f"{words.count(samples.get('count'))}{made_up}, SHA-256 {words.clean(str(samples.get('sha256', ''))[:12])}…")),
        ("Parity then", Cell(f"{words.decibels(parity.get('sqnr_db'))}, {words.clean(parity.get('status', ''))}")),
    )
    note: Block = Prose("The digests protect against accidents; they are no signature.", MUTED)
    return Section("origin", "Where it comes from", (Pairs(pairs), note))
