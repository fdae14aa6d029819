"""A file by itself: what `inspect` and `check` say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import MUTED, Block, Cell, Column, Document, Pairs, Prose, Section, Table, Tile
from edgeroute.report.certificate import certificate_section, scales
from edgeroute.report.facts import as_json, by_weight, file_name, has_device, mapping, on_accelerator, rows, tally
from edgeroute.report.findings import findings_section
from edgeroute.report.placement import placement_section
from edgeroute.types import Json

TENSOR_COLUMNS = (
    Column("", right=True),
    Column("Tensor", code=True),
    Column("Shape", right=True),
    Column("Type"),
    Column("Layout"),
    Column("Scale", right=True),
    Column("Zero point", right=True),
)


def inspect_document(artifact: object) -> Document:
    """An `Artifact` (or its JSON): inputs and outputs, operators, and everything else that was measured."""
    value = mapping(as_json(artifact))
    facts = mapping(value.get("facts"))
    sections = [tensors_section(facts), operators_section(mapping(facts.get("operators"))), details_section(mapping(facts.get("details")))]
    findings = by_weight(rows(facts.get("findings")))
    if findings:
        sections.append(findings_section(findings))
    return Document(
        title=file_name(value.get("path", "")),
        subtitle=words.clean(value.get("path", "")),
        status=words.clean(value.get("format", "")),
        tone="good",
        tiles=_model_tiles(value, facts),
        sections=tuple(sections),
    )


def _model_tiles(value: Mapping[str, Json], facts: Mapping[str, Json]) -> tuple[Tile, ...]:
    details = mapping(facts.get("details"))
    tiles = [Tile("Size", words.size(value.get("bytes")))]
    tiles += [Tile("Parameters", words.amount(details["parameters"]))] if words.is_number(details.get("parameters")) else []
    tiles += [Tile("MACs", words.amount(details["macs"]))] if words.is_number(details.get("macs")) else []
    operators = sum(v for v in mapping(facts.get("operators")).values() if words.is_number(v))
    return (*tiles, Tile("Operators", words.count(operators)))


def tensors_section(facts: Mapping[str, Json]) -> Section:
    body = [_tensor_row("in", i, t) for i, t in enumerate(rows(facts.get("inputs")))]
    body += [_tensor_row("out", i, t) for i, t in enumerate(rows(facts.get("outputs")))]
    block: Block = Table(TENSOR_COLUMNS, tuple(body)) if body else Prose("The file does not say what it takes and gives.")
    return Section("tensors", "Inputs and outputs", (block,))


def _tensor_row(kind: str, index: int, tensor: Mapping[str, Json]) -> tuple[Cell, ...]:
    return (
        Cell(f"{kind} {index}", MUTED),
        Cell(words.clean(tensor.get("name", ""))),
        Cell(words.shape(tensor.get("shape")), "warn" if None in (tensor.get("shape") or []) else ""),
        Cell(words.clean(tensor.get("dtype", ""))),
        Cell(words.clean(tensor.get("layout") or words.NOTHING)),
        Cell(scales(tensor.get("scale"))),
        Cell(", ".join(str(z) for z in (tensor.get("zero_point") or [])[:3]) or words.NOTHING),
    )


def operators_section(operators: Mapping[str, Json]) -> Section:
    """Operators by how often they stand in the file."""
    ranked = sorted(operators.items(), key=lambda item: (-(item[1] if words.is_number(item[1]) else 0), item[0]))
    most = max((v for v in operators.values() if words.is_number(v)), default=0)
    body = tuple(
        (Cell(words.clean(name)), Cell(words.any_value(many), bar=many / most if words.is_number(many) and most else None))
        for name, many in ranked
    )
    columns = (Column("Operator", code=True), Column("Count", right=True))
    return Section("operators", "Operators", (Table(columns, body),) if body else (Prose("None are known."),))


def details_section(details: Mapping[str, Json]) -> Section:
    """What else was measured, one level of nesting opened."""
    pairs: list[tuple[str, Cell]] = []
    for key, value in details.items():
        inner = mapping(value)
        if inner and "name" not in inner:
            pairs += [(f"{words.label(key)}: {words.label(k).lower()}", Cell(words.any_value(v))) for k, v in inner.items()]
        elif value not in (None, "", [], {}):
            pairs.append((words.label(key), Cell(words.any_value(value))))
    return Section("details", "Measured", (Pairs(tuple(pairs)),) if pairs else ())


def validation_document(validation: object) -> Document:
    """A `ValidationReport` (or its JSON): findings, placement, certificate."""
    value = mapping(as_json(validation))
    findings = by_weight(rows(value.get("findings")))
    sections: list[Section] = [findings_section(findings)]
    if mapping(value.get("placement")):
        sections.append(placement_section(value))
    if mapping(value.get("certificate")):
        sections.append(certificate_section(mapping(value["certificate"])))
    fits = not any(f.get("severity") == "error" for f in findings)
    return Document(
        title=f"{file_name(value.get('path', ''))} → {words.clean(value.get('target', ''))}",
        subtitle=f"{words.clean(value.get('path', ''))} · {words.clean(value.get('format', ''))}",
        status="ok" if fits else "refused",
        tone="good" if fits else "bad",
        tiles=_check_tiles(value, findings, fits),
        sections=tuple(sections),
    )


def _check_tiles(value: Mapping[str, Json], findings: Sequence[Mapping[str, Json]], fits: bool) -> tuple[Tile, ...]:
    tiles = [Tile("Findings", str(len(findings)), tally(findings), "good" if fits else "bad")]
    measured = on_accelerator(value)
    if measured and has_device(value):
        tiles.append(Tile("On the accelerator", words.share(measured[0]), f"of the {measured[1]}"))
    return tuple(tiles)
