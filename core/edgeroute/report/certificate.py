"""The int8 certificate: what "int8" means for a file, in one table and its exceptions."""

from __future__ import annotations

from collections.abc import Mapping

from edgeroute.report import words
from edgeroute.report.blocks import BAD, GOOD, MUTED, WARN, Block, Cell, Column, Pairs, Prose, Section, Table
from edgeroute.report.facts import mapping, rows
from edgeroute.types import Json

CERTIFIED = frozenset(
    {"full_integer", "statement", "granularity", "per_channel_tensors", "float_islands", "float_tail", "float_head", "inputs", "outputs", "op_versions"}
)  # fmt: skip


def certificate_section(certificate: Mapping[str, Json]) -> Section:
    """What "int8" means for this file, in one table and its exceptions."""
    full = certificate.get("full_integer")
    verdict = words.clean(certificate.get("statement") or ("Full integer." if full else "Not full integer."))
    blocks: list[Block] = [Prose(verdict, GOOD if full else WARN), Pairs(_certificate_pairs(certificate))]
    borders = [*_border_rows("input", certificate.get("inputs")), *_border_rows("output", certificate.get("outputs"))]
    if borders:
        columns = (
            Column("Border"),
            Column("Tensor", code=True),
            Column("Shape", right=True),
            Column("Type"),
            Column("Scale", right=True),
            Column("Zero point", right=True),
        )
        blocks.append(Table(columns, tuple(borders)))  # fmt: skip
    blocks += _exceptions(certificate)
    return Section("certificate", "The int8 certificate", tuple(blocks))


def _certificate_pairs(certificate: Mapping[str, Json]) -> tuple[tuple[str, Cell], ...]:
    full = certificate.get("full_integer")
    pairs = [("Full integer", Cell("yes" if full else "no", GOOD if full else BAD))]
    if certificate.get("granularity"):
        pairs.append(("Weights", Cell(words.clean(certificate["granularity"]))))
    for key in ("float_islands", "float_head", "float_tail"):
        if key in certificate:
            many = len(rows(certificate[key]))
            pairs.append((words.label(key), Cell(str(many) if many else "none", WARN if many else GOOD)))
    pairs += [(words.label(k), Cell(words.any_value(v))) for k, v in certificate.items() if k not in CERTIFIED]
    versions = mapping(certificate.get("op_versions"))
    if versions:
        pairs.append(("Operator versions", Cell(", ".join(f"{words.clean(k)} {_numbers(v)}" for k, v in versions.items()))))
    return tuple(pairs)


def _numbers(value: Json) -> str:
    return "/".join(str(v) for v in value) if isinstance(value, list) else words.any_value(value)


def _border_rows(kind: str, tensors: Json) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(kind, MUTED),
            Cell(words.clean(t.get("name", ""))),
            Cell(words.shape(t.get("shape"))),
            Cell(words.clean(t.get("dtype", "")), BAD if "float" in str(t.get("dtype")) else ""),
            Cell(scales(t.get("scale"))),
            Cell(", ".join(str(z) for z in (t.get("zero_point") or [])[:3]) or words.NOTHING),
        )
        for t in rows(tensors)
    ]


def scales(value: Json) -> str:
    """One scale as a number, many as their count and range."""
    if not value:
        return words.NOTHING
    if len(value) == 1:
        return words.number(value[0], 6)
    return f"{len(value)} × {words.number(min(value), 2)}…{words.number(max(value), 2)}"


def _exceptions(certificate: Mapping[str, Json]) -> list[Block]:
    blocks: list[Block] = []
    islands = [
        (Cell(kind), Cell(words.clean(p.get("name", ""))), Cell(str(p.get("index", ""))), Cell(words.clean(p.get("tensor", ""))))
        for kind, key in (("island", "float_islands"), ("head", "float_head"), ("tail", "float_tail"))
        for p in rows(certificate.get(key))
    ]
    if islands:
        columns = (Column("Float"), Column("Operator", code=True), Column("Index", right=True), Column("Result", code=True))
        blocks.append(Table(columns, tuple(islands), caption="Operators that compute in float"))
    channels = rows(certificate.get("per_channel_tensors"))
    if channels:
        per_channel = (Column("Tensor", code=True), Column("Scales", right=True), Column("Type"))
        listed = tuple(
            (Cell(words.clean(t.get("tensor", ""))), Cell(words.count(t.get("scales"))), Cell(words.clean(t.get("dtype", ""))))
            for t in channels
        )
        blocks.append(Table(per_channel, listed, caption=f"{words.plural(len(channels), 'tensor')} with a scale per channel", folded=True))  # fmt: skip
    return blocks
