"""A file on its device: the int8 certificate, and where its operators run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import BAD, GOOD, MUTED, WARN, Block, Cell, Column, Figure, Pairs, Prose, Section, Table
from edgeroute.report.facts import badge, mapping, on_accelerator, operators, rows
from edgeroute.report.strip import operator_strip
from edgeroute.types import Json

PLACES = ("accelerator", "cpu", "refused")
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


def placement_section(validation: Mapping[str, Json]) -> Section:
    """Where operators and MACs run: a picture, a sum, and those that left the accelerator with the reason."""
    known = operators(validation)
    others = [(words.label(k), Cell(words.any_value(v))) for k, v in mapping(validation.get("placement")).items() if k != "operators"]
    blocks: list[Block] = []
    if known:
        blocks.append(Figure(operator_strip(known), _strip_text(validation), caption="Operators in the order in which they run."))
        blocks.append(_sums(known))
        elsewhere = [o for o in known if o.get("runs") != "accelerator"]
        if elsewhere and len(elsewhere) < len(known):
            blocks.append(_elsewhere(elsewhere))
        blocks.append(_every_operator(known))
    if others:
        blocks.append(Pairs(tuple(others)))
    if not blocks:
        blocks.append(Prose("The target's rules say nothing about placement."))
    return Section("placement", "Where the operators run", tuple(blocks))


def _strip_text(validation: Mapping[str, Json]) -> str:
    measured = on_accelerator(validation)
    return f"{words.share(measured[0])} of the {measured[1]} run on the accelerator." if measured else ""


def _sums(known: Sequence[Mapping[str, Json]]) -> Table:
    places = [*PLACES, *sorted({str(o.get("runs", "")) for o in known} - set(PLACES))]
    total = sum(float(o.get("macs") or 0) for o in known)
    body = []
    for place in places:
        here = [o for o in known if o.get("runs") == place]
        macs = sum(float(o.get("macs") or 0) for o in here)
        if here:
            part = macs / total if total else None
            body.append((badge(place), Cell(words.count(len(here))), Cell(words.amount(macs)), Cell(words.share(part), bar=part)))
    columns = (Column("Runs on"), Column("Operators", right=True), Column("MACs", right=True), Column("Share of MACs", right=True))
    return Table(columns, tuple(body))


def _elsewhere(elsewhere: Sequence[Mapping[str, Json]]) -> Table:
    """Operators off the accelerator, grouped by what they are and why."""
    groups: Counter[tuple[str, str, str]] = Counter()
    macs: Counter[tuple[str, str, str]] = Counter()
    for operator in elsewhere:
        key = (str(operator.get("runs", "")), words.clean(operator.get("name", "")), words.clean(operator.get("why") or words.NOTHING))
        groups[key] += 1
        macs[key] += int(operator.get("macs") or 0)
    ranked = sorted(groups, key=lambda k: (-PLACES.index(k[0]) if k[0] in PLACES else 0, -macs[k], -groups[k], k))
    body = tuple((badge(k[0]), Cell(k[1]), Cell(words.count(groups[k])), Cell(words.amount(macs[k])), Cell(k[2])) for k in ranked)
    columns = (
        Column("Runs on"),
        Column("Operator", code=True),
        Column("Count", right=True),
        Column("MACs", right=True),
        Column("Why", prose=True),
    )
    return Table(columns, body, caption="What leaves the accelerator, and why")


def _every_operator(known: Sequence[Mapping[str, Json]]) -> Table:
    columns = (Column("", right=True), Column("Operator", code=True), Column("Runs on"), Column("MACs", right=True), Column("Why"))
    body = tuple(
        (
            Cell(str(o.get("index", i)), MUTED),
            Cell(words.clean(o.get("name", ""))),
            badge(o.get("runs")),
            Cell(words.amount(o.get("macs"))),
            Cell(words.clean(o.get("why") or "")),
        )
        for i, o in enumerate(known)
    )
    return Table(columns, body, caption=f"All {words.plural(len(known), 'operator')}", folded=True)
