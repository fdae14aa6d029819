"""Where a file's operators run on its device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import MUTED, Block, Cell, Column, Figure, Pairs, Prose, Section, Table
from edgeroute.report.certificate import scales
from edgeroute.report.facts import badge, mapping, on_accelerator, operators, rows
from edgeroute.report.strip import operator_graph, operator_strip
from edgeroute.types import Json

PLACES = ("accelerator", "cpu", "refused")
DRAWN_OPERATORS = 600
"""A graph of more operators than these helps nobody, and costs seconds."""


def placement_section(validation: Mapping[str, Json]) -> Section:
    """Where operators and MACs run: a picture, a sum, and those that left the accelerator with the reason."""
    placement, known = mapping(validation.get("placement")), operators(validation)
    blocks: list[Block] = [Prose(words.clean(placement["note"]))] if placement.get("note") else []
    if known:
        blocks += [Figure(operator_strip(known), _strip_text(validation), caption=CAPTION), _sums(known)]
        elsewhere = [o for o in known if o["runs"] != "accelerator"]
        if elsewhere and len(elsewhere) < len(known):
            blocks.append(_elsewhere(elsewhere))
    pairs = _pairs(placement)
    if pairs:
        blocks.append(Pairs(pairs))
    if rows(placement.get("inputs")):
        blocks.append(_inputs(rows(placement["inputs"])))
    if known:
        blocks += [*_graph(known), _every_operator(known)]
    return Section("placement", "Where the operators run", tuple(blocks) or (Prose("The target's rules say nothing about placement."),))


CAPTION = "Operators in the order in which they run; the column over each stands for its MACs."


def _strip_text(validation: Mapping[str, Json]) -> str:
    measured = on_accelerator(validation)
    return f"{words.share(measured[0])} of the {measured[1]} run on the accelerator." if measured else ""


def _sums(known: Sequence[Mapping[str, Json]]) -> Table:
    places = [*PLACES, *sorted({str(o["runs"]) for o in known} - set(PLACES))]
    total = sum(float(o["macs"]) for o in known)
    body = []
    for place in places:
        here = [o for o in known if o["runs"] == place]
        macs = sum(float(o["macs"]) for o in here)
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
        key = (str(operator["runs"]), words.clean(operator["name"]), words.clean(operator["why"] or words.NOTHING))
        groups[key] += 1
        macs[key] += int(operator["macs"])
    ranked = sorted(groups, key=lambda k: (-PLACES.index(k[0]) if k[0] in PLACES else 0, -macs[k], -groups[k], k))
    body = tuple((badge(k[0]), Cell(k[1]), Cell(words.count(groups[k])), Cell(words.amount(macs[k])), Cell(k[2])) for k in ranked)
    columns = (Column("Runs on"), Column("Operator", code=True), Column("Count", right=True), Column("MACs", right=True), WHY)
    return Table(columns, body, caption="What leaves the accelerator, and why")


WHY = Column("Why", prose=True)


def _every_operator(known: Sequence[Mapping[str, Json]]) -> Table:
    columns = (Column("", right=True), Column("Operator", code=True), Column("Runs on"), Column("MACs", right=True), WHY)
    body = tuple(
        (
            Cell(str(o["index"]), MUTED),
            Cell(words.clean(o["name"])),
            badge(o["runs"]),
            Cell(words.amount(o["macs"])),
            Cell(words.clean(o["why"])),
        )
        for o in known
    )
    return Table(columns, body, caption=f"All {words.plural(len(known), 'operator')}", folded=True)


def _graph(known: Sequence[Mapping[str, Json]]) -> list[Block]:
    if not any(o["after"] for o in known) or len(known) > DRAWN_OPERATORS:
        return []
    return [Figure(operator_graph(known), "", folded="The graph, operator by operator")]


def _inputs(inputs: Sequence[Mapping[str, Json]]) -> Table:
    """What the camera's pixels meet at the file's border."""
    columns = (Column("Input", code=True), Column("Type"), Column("Shape", right=True), Column("Scale", right=True), Column("Zero point", right=True), Column("Error against raw pixels", right=True))  # fmt: skip
    body = tuple(
        (
            Cell(words.clean(t.get("name", ""))),
            Cell(words.clean(t.get("dtype", ""))),
            Cell(words.shape(t.get("shape"))),
            Cell(scales(t.get("scale"))),
            Cell(words.listing(t.get("zero_point") or [], 3) or words.NOTHING),
            Cell(words.number(t["max_error"], 2) if words.is_number(t.get("max_error")) else "unknown"),
        )
        for t in inputs
    )
    return Table(columns, body, caption="What meets the camera's pixels")


SHOWN_ELSEWHERE = frozenset({"operators", "counts", "share", "inputs", "note", "scales"})


def _pairs(placement: Mapping[str, Json]) -> tuple[tuple[str, Cell], ...]:
    pairs: list[tuple[str, Cell]] = []
    for key, value in placement.items():
        if key in SHOWN_ELSEWHERE or (key == "macs" and placement.get("operators")):
            continue
        text = SENTENCES[key](value) if key in SENTENCES else words.any_value(value)
        if text and text != words.NOTHING:
            pairs.append((words.label(key), Cell(text)))
    return tuple(pairs)


def _partitions(value: Json) -> str:
    if not isinstance(value, Mapping):
        return words.any_value(value)
    least, most = value.get("optimistic"), value.get("pessimistic")
    span = str(least) if least == most else f"{least} to {most}"
    return f"{span}, of {value['limit']} at the most" if "limit" in value else span


def _parameters(value: Json) -> str:
    if not isinstance(value, Mapping):
        return words.any_value(value)
    text = words.size(value.get("bytes"))
    if "cache_bytes" in value:
        text += f", {words.size(value.get('cached_bytes'))} in the cache of {words.size(value['cache_bytes'])}"
    return text + (f", {words.size(value['streamed_bytes'])} streamed" if value.get("streamed_bytes") else "")


def _cut(value: Json) -> str:
    if not isinstance(value, Mapping) or value.get("index") is None:
        return "nowhere: every operator is mapped"
    sums = f"{value.get('mapped', 0)} mapped, {value.get('in_front', 0)} in front, {value.get('left', 0)} left on the CPU"
    return f"at operator {value['index']}, {words.clean(value.get('operator', ''))}: {sums}"


def _total(value: Json) -> str:
    return words.amount(mapping(value).get("total"))


def _estimated(value: Json) -> str:
    return "by the rules; the device or its compiler has the last word" if value else "read from the compiled file"


SENTENCES: Mapping[str, Callable[[Json], str]] = {
    "partitions": _partitions, "parameters": _parameters, "cut": _cut, "macs": _total, "estimated": _estimated
}  # fmt: skip
