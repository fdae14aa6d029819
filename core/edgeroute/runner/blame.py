"""Where a loss enters, asked after the fact: of a finished conversion, or of any two files of one model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeroute import codec
from edgeroute.cache import ENTRY
from edgeroute.errors import EdgerouteError, SourceError
from edgeroute.recognize import recognize
from edgeroute.runner import measure, shapes
from edgeroute.runner.attribute import budget, layers
from edgeroute.runner.chain import chain_of
from edgeroute.runner.request import Request
from edgeroute.types import Artifact, Calibration, ConversionResult, Json, Shown, StepRecord
from edgeroute.workshop import Workshop


@dataclass(frozen=True)
class Blame(Shown):
    """Who is to blame for a loss: steps first, then layers."""

    summary: str
    step: str = ""
    """Key of the step whose files were compared layer by layer; empty where two files were given."""
    first: str = ""
    """The better file."""
    second: str = ""
    budget: tuple[Mapping[str, Json], ...] = ()
    """Per step: sqnr_db after it, lost_db, share of the noise at the end."""
    layers: tuple[Mapping[str, Json], ...] = ()
    """In the order of execution: layer, operator, shape, sqnr_db, loss, share."""
    largest: str = ""
    """Layer at which most of the loss enters."""
    worst: str = ""
    """Layer with the lowest dB."""
    matched: int = 0
    operators: int = 0
    """How many of the second file's operators could have been matched."""
    random: bool = False
    """Measured on made-up data."""


def blame_files(workshop: Workshop, first: Path, second: Path, request: Request) -> Blame:
    """Compare two files of one model, the better one first, on the request's samples (random ones without)."""
    one, two = (recognize(p, workshop.plugins, workshop.catalog) for p in (first, second))
    inputs = shapes.resolve(one.facts.inputs, request.input_shapes)
    samples = measure.prepare(workshop, request, inputs)
    return _told(workshop, one, two, samples.calibration)


def blame_result(workshop: Workshop, file: Path, request: Request) -> Blame:
    """The error budget of a result's route and the layers of its quantizing step, from its files in edgeroute's own folder."""
    result = read_result(file)
    rows = tuple(budget(result.steps))
    place = _quantizing(workshop, result.steps)
    if place is None:
        return Blame(_of_steps(rows), budget=rows)
    kept: Mapping[str, Json] = result.details.get("blame") or {}
    if result.details.get("attribution") and request.calibrate is None:
        known = {f.name: kept[f.name] for f in dataclasses.fields(Blame) if f.name in kept and f.name != "first"}
        return Blame(**{**known, "layers": tuple(result.details["attribution"]), "budget": rows})
    before, after = _files(result, place, file)
    samples = _samples(workshop, result, before, place, request)
    told = _told(workshop, before, after, samples)
    return dataclasses.replace(told, step=result.steps[place].key, budget=rows)


def read_result(file: Path) -> ConversionResult:
    """What `convert --json` printed or `--report result.json` wrote; SourceError where it is something else."""
    remedy = "give what `edgeroute convert --json` printed for one model and one device; or two model files, the better one first"
    if not file.is_file():
        raise SourceError(f"there is no file {file}", remedy=remedy, code="source-missing")
    try:
        result: ConversionResult = codec.from_json(ConversionResult, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, EdgerouteError) as error:
        why = error.message if isinstance(error, EdgerouteError) else "it is no JSON"
        raise SourceError(
            f"{file.name} holds no result of a conversion: {why}", where=str(file), remedy=remedy, code="result-unreadable"
        ) from error
    return result


def _told(workshop: Workshop, first: Artifact, second: Artifact, samples: Calibration) -> Blame:
    found = layers(workshop, first, second, samples)
    return Blame(
        summary=str(found["summary"]),
        first=str(first.path),
        second=str(second.path),
        layers=tuple(found["layers"]),
        largest=str(found["largest"]),
        worst=str(found["worst"]),
        matched=int(found["matched"]),
        operators=int(found["operators"]),
        random=samples.random,
    )


def _of_steps(rows: Sequence[Mapping[str, Json]]) -> str:
    worst = max(rows, key=lambda r: float(r["share"]), default=None)
    if worst is None or not worst["share"]:
        return "no step lost anything"
    return f"{worst['share']:.0%} of the loss enters at {worst['step']}; no step quantizes"


def _quantizing(workshop: Workshop, steps: Sequence[StepRecord]) -> int | None:
    formats = workshop.catalog.formats
    known = [(i, s) for i, s in enumerate(steps) if s.source in formats and s.target in formats]
    return next((i for i, s in known if formats[s.target].precision == "int8" and formats[s.source].precision == "float"), None)


def _files(result: ConversionResult, place: int, file: Path) -> tuple[Artifact, Artifact]:
    before = result.steps[place - 1].artifact if place else result.source
    after = result.steps[place].artifact
    gone = [a.path for a in (before, after) if a is None or not a.path.exists()] if before and after else [file]
    if before is None or after is None or gone:
        raise SourceError(
            f"the files behind {result.steps[place].key} are no longer there",
            where=str(gone[0]) if gone else str(file),
            remedy="convert again with --attribution (every step that is still kept is not run again), or give two model files",
            code="blame-gone",
        )
    return before, after


def _samples(workshop: Workshop, result: ConversionResult, before: Artifact, place: int, request: Request) -> Calibration:
    """The request's samples, else those of the conversion, else random ones."""
    chain = chain_of(result.steps[:place])
    wanted = (result.details.get("provenance") or {}).get("calibration", {}).get("sha256", "")
    kept = None if request.calibrate else kept_samples(workshop, str(wanted))
    if kept is None:
        inputs = shapes.resolve(result.source.facts.inputs or before.facts.inputs, request.input_shapes)
        kept = measure.prepare(workshop, request, inputs, pixels=chain.raw_pixels).calibration
    return measure.as_pixels(kept) if chain.raw_pixels and kept.pixels else kept


def kept_samples(workshop: Workshop, sha256: str) -> Calibration | None:
    """Samples in edgeroute's own folder, by their digest."""
    for entry in sorted((workshop.cache.root / "samples").glob(f"*/{ENTRY}")) if sha256 else ():
        found = workshop.cache.get("samples", entry.parent.name)
        if found and found.value.get("value", {}).get("calibration", {}).get("sha256") == sha256:
            calibration: Calibration = codec.from_json(Calibration, found.value["value"]["calibration"])
            return dataclasses.replace(calibration, path=found.folder / "data")
    return None
