"""What ran and what it did to the model: steps, fidelity, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import BAD, MUTED, WARN, Block, Cell, Column, Figure, Pairs, Prose, Section, Table
from edgeroute.report.charts import MARKED, layer_chart
from edgeroute.report.facts import badge, is_exact, loss_shares, mapping, rows, sqnr_text, worst_difference
from edgeroute.types import Json

FULL_DB = 60.0
"""The SQNR that fills a bar."""

STEP_COLUMNS = (
    Column("", right=True),
    Column("Converter", code=True),
    Column("From", code=True, wide=True),
    Column("Gives", code=True),
    Column("Time", right=True),
    Column("Peak", right=True),
    Column("Result"),
    Column("SQNR", right=True),
    Column("Max. diff.", right=True),
    Column("Share of loss", right=True, wide=True),
    Column("Samples", right=True, wide=True),
)


def steps_section(result: Mapping[str, Json]) -> Section:
    """Every step: how long, how much memory, what the measurement says."""
    steps = rows(result.get("steps"))
    if not steps:
        return Section("steps", "Steps", (Prose("No step was needed: the source is what the device takes."),))
    shares = loss_shares(steps)
    table = Table(STEP_COLUMNS, tuple(_step_row(i, s, share) for i, (s, share) in enumerate(zip(steps, shares, strict=True), 1)))
    note = Prose("SQNR and largest difference are those of the worst output against the pristine source, on the same samples.", MUTED)
    return Section("steps", "Steps", (table, note, _details(steps)))


def _step_row(index: int, step: Mapping[str, Json], loss: float | None) -> tuple[Cell, ...]:
    verification = mapping(step.get("verification"))
    outputs = rows(verification.get("outputs"))
    status = badge(step.get("status") if step.get("status") != "passed" or not verification else verification.get("status"))
    cached = bool(step.get("cached"))
    return (
        Cell(str(index), MUTED),
        Cell(words.clean(step.get("converter", "")), title=words.clean(step.get("key", ""))),
        Cell(words.clean(step.get("source", ""))),
        Cell(words.clean(step.get("target", ""))),
        Cell("cached", MUTED) if cached else Cell(words.seconds(step.get("seconds"))),
        Cell(words.NOTHING, MUTED) if cached else Cell(words.megabytes(step.get("peak_rss_mb"))),
        status,
        Cell(sqnr_text(outputs), status.tone if outputs and status.tone in (WARN, BAD) else ""),
        Cell(words.number(worst_difference(outputs), 2)),
        Cell(words.share(loss), bar=loss),
        Cell(words.count(verification.get("samples")) if outputs else words.NOTHING),
    )


def _details(steps: Sequence[Mapping[str, Json]]) -> Table:
    columns = (Column("Step"), Column("What"), Column("Value", code=True))
    body = tuple(row for index, step in enumerate(steps, 1) for row in _step_details(index, step))
    return Table(columns, body, caption="Options, notes, versions and the command of every step", folded=True)


def _step_details(index: int, step: Mapping[str, Json]) -> list[tuple[Cell, ...]]:
    facts: list[tuple[str, str]] = [(f"option {k}", words.any_value(v)) for k, v in sorted(mapping(step.get("options")).items())]
    facts += [(f"version of {k}", words.any_value(v)) for k, v in sorted(mapping(step.get("versions")).items())]
    facts += [(f"note {k}", words.any_value(v)) for k, v in sorted(mapping(step.get("notes")).items())]
    facts += [(f"error {k}", words.any_value(v)) for k, v in sorted(mapping(step.get("error")).items())]
    facts += [(k, words.clean(step[k])) for k in ("environment", "folder", "command") if step.get(k)]
    name = f"{index} {words.clean(step.get('converter', ''))}"
    return [(Cell("" if row else name), Cell(words.clean(what)), Cell(value)) for row, (what, value) in enumerate(facts)]


OUTPUT_COLUMNS = (
    Column("Output", code=True),
    Column("Shape", right=True),
    Column("SQNR", right=True),
    Column("Max. diff.", right=True),
    Column("Relative", right=True),
    Column("Cosine", right=True, wide=True),
    Column("Correlation", right=True),
    Column("Spread", right=True),
    Column("Top-1", right=True),
    Column("Remarks", prose=True),
)


def fidelity_section(result: Mapping[str, Json]) -> Section:
    """Per output, how the delivered file compares with the source."""
    fidelity = mapping(result.get("fidelity"))
    outputs = rows(fidelity.get("outputs"))
    if not outputs:
        said = "Nothing on this computer executes the delivered file, so its numbers are unmeasured."
        return Section("fidelity", "Fidelity", (Prose(said, WARN),))
    blocks: list[Block] = []
    samples = fidelity.get("samples")
    if words.is_number(samples):
        blocks.append(Prose(_samples_text(int(samples), random=bool(fidelity.get("random")))))
    blocks.append(Table(OUTPUT_COLUMNS, tuple(output_row(o) for o in outputs)))
    if not result.get("calibrated", True):
        blocks.append(Prose("Uncalibrated: the int8 ranges come from random data. Add --calibrate with a folder of typical pictures.", BAD))
    return Section("fidelity", "Fidelity", tuple(blocks))


def _samples_text(samples: int, *, random: bool) -> str:
    kind = "random samples" if random else "your samples"
    return f"Measured on {words.plural(samples, 'sample')} ({kind}) against the source as it was given, in its own runtime."


def output_row(output: Mapping[str, Json]) -> tuple[Cell, ...]:
    sqnr = output.get("sqnr_db")
    dead = output.get("dead_groups") or []
    return (
        Cell(words.clean(output.get("name", ""))),
        Cell(words.shape(output.get("shape"))),
        Cell("exact" if is_exact(output) else words.decibels(sqnr), bar=_bar(output)),
        Cell(words.number(output.get("max_abs"), 2)),
        Cell(words.number(output.get("relative"), 2)),
        Cell(words.number(output.get("cosine"), 4)),
        Cell(words.number(output.get("correlation"), 3)),
        Cell(words.number(output.get("spread"), 3)),
        Cell(words.share(output.get("top1"))),
        Cell(_remarks(output, dead), BAD if dead else ""),
    )


def _bar(output: Mapping[str, Json]) -> float | None:
    if is_exact(output):
        return 1.0
    sqnr = output.get("sqnr_db")
    return max(0.0, min(1.0, float(sqnr) / FULL_DB)) if words.is_number(sqnr) else None


def _remarks(output: Mapping[str, Json], dead: Sequence[Json]) -> str:
    remarks = [f"dead: {words.listing(dead, 3)}"] if dead else []
    if output.get("layout"):
        remarks.append(f"layout {words.clean(output['layout'])}")
    if output.get("exact"):
        remarks.append("compared by equality")
    return "; ".join(remarks)


LAYERS_SHOWN = 12


def layers_section(attribution: Sequence[Mapping[str, Json]], *, told: bool = False) -> Section:
    """Which layers the loss enters at, the worst first; in a sentence too, where the document has not `told` it already."""
    ranked = sorted(attribution, key=lambda a: (-float(a.get("share") or 0), float(a.get("sqnr_db") or 0)))
    columns = (Column("Layer", code=True), Column("Share of loss", right=True), Column("SQNR", right=True))
    top, rest = ranked[:LAYERS_SHOWN], ranked[LAYERS_SHOWN:]
    worst = ranked[0]
    sentence = Prose(f"{words.share(worst.get('share'))} of the loss enters at {words.clean(worst.get('layer', ''))}.")
    blocks: list[Block] = [] if told else [sentence]
    chart = layer_chart(attribution)
    if chart:
        blocks.append(
            Figure(chart, "", caption=f"Signal to noise of each layer's result; red: at least {words.share(MARKED)} of the loss.")
        )
    blocks.append(Table(columns, tuple(_layer_row(a) for a in top), shown=8))
    if rest:
        blocks.append(Table(columns, tuple(_layer_row(a) for a in rest), caption=f"{len(rest)} more layers", folded=True))
    return Section("layers", "Error per layer", tuple(blocks))


def _layer_row(entry: Mapping[str, Json]) -> tuple[Cell, ...]:
    share = entry.get("share")
    return (
        Cell(words.clean(entry.get("layer", ""))),
        Cell(words.share(share), bar=min(1.0, max(0.0, float(share))) if words.is_number(share) else None),
        Cell(words.decibels(entry.get("sqnr_db"))),
    )


def versions_section(result: Mapping[str, Json]) -> Section:
    """Versions of everything that ran, step by step; edgeroute's own first."""
    own = mapping(mapping(mapping(result.get("details")).get("provenance")).get("versions"))
    users = [("edgeroute", own), *((str(s.get("converter", "")), mapping(s.get("versions"))) for s in rows(result.get("steps")))]
    body = tuple((Cell(words.clean(user)), Cell(_versions(versions))) for user, versions in users if versions)
    if not body:
        return Section("versions", "Versions", (Prose("No step reported its versions."),))
    return Section("versions", "Versions", (Table((Column("Step", code=True), Column("Packages", prose=True)), body),))


def _versions(versions: Mapping[str, Json]) -> str:
    return ", ".join(f"{words.clean(name)} {words.clean(version)}" for name, version in sorted(versions.items()))


def provenance_section(result: Mapping[str, Json]) -> Section:
    """Where the file comes from: digests of what went in and came out."""
    source, artifact = mapping(result.get("source")), mapping(result.get("artifact"))
    pairs: list[tuple[str, Cell]] = []
    for title, thing in (("Source", source), ("Artifact", artifact)):
        if thing:
            pairs.append((title, Cell(f"{words.clean(thing.get('path', ''))} ({words.size(thing.get('bytes'))})")))
            pairs.append((f"{title} SHA-256", Cell(words.clean(thing.get("sha256", "")))))
    provenance = mapping(mapping(result.get("details")).get("provenance"))
    pairs += [(words.label(k), Cell(words.any_value(v))) for k, v in provenance.items() if k not in ("versions", "command", "source")]
    return Section("provenance", "Provenance", (Pairs(tuple(pairs)),))
