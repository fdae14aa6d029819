"""Where a result's loss comes from: how many dB each step lost, and inside the quantizing step, which layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgeroute.errors import UsageError, VerificationFailed
from edgeroute.runner import measure
from edgeroute.runner.chain import chain_of
from edgeroute.runner.result import Journey
from edgeroute.types import Artifact, Calibration, Json, Runner, StepRecord, digest_json, to_json
from edgeroute.verify import thresholds
from edgeroute.workshop import Workshop, code_digest

EXACT_DB = 200.0
"""What verification calls a difference of nothing."""
BLAME = "edgeroute.verify.attribution:blame"


def budget(steps: Sequence[StepRecord]) -> list[dict[str, Json]]:
    """Per measured step the worst output's dB after it, what it lost of those before it, and its share of the noise at the end.

    `lost_db` is null where nothing had been lost before: there is no finite number to subtract from.
    """
    measured = [(s.key, s.verification.sqnr_db) for s in steps if s.verification and s.verification.sqnr_db is not None]
    levels = [10 ** (-min(db, EXACT_DB) / 10) if db < EXACT_DB else 0.0 for _, db in measured]
    final, before, rows = (levels[-1] if levels else 0.0), EXACT_DB, []
    peak = 0.0
    for (key, db), level in zip(measured, levels, strict=True):
        exact = db >= EXACT_DB
        lost = None if exact or before >= EXACT_DB else round(before - db, 2)
        share = max(0.0, level - peak) / final if final else 0.0
        rows.append({"step": key, "sqnr_db": None if exact else round(db, 2), "lost_db": 0.0 if exact else lost, "share": min(1.0, share)})
        before, peak = db, max(peak, level)
    return rows


def attribution(journey: Journey) -> dict[str, Json]:
    """`attribution` (the layers, as the report draws them) and `blame` (the summary) of the quantizing step; empty where no step quantizes."""
    place = _quantizing(journey)
    if place is None:
        return {}
    steps = journey.arrival.steps
    before = steps[place - 1].artifact if place else journey.source
    after = steps[place].artifact
    calibration = journey.samples.calibration
    if chain_of(steps[:place]).raw_pixels and calibration.pixels:
        calibration = measure.as_pixels(calibration)
    if before is None or after is None:
        return {}
    try:
        found = layers(journey.workshop, before, after, calibration)
    except (UsageError, VerificationFailed) as error:
        return {"blame": {"step": steps[place].key, "summary": error.message, "remedy": error.remedy}}
    return {"attribution": found["layers"], "blame": {"step": steps[place].key, **{k: v for k, v in found.items() if k != "layers"}}}


def _quantizing(journey: Journey) -> int | None:
    formats = journey.workshop.catalog.formats
    pairs = enumerate(journey.arrival.steps)
    return next((i for i, s in pairs if formats[s.target].precision == "int8" and formats[s.source].precision == "float"), None)


def layers(workshop: Workshop, first: Artifact, second: Artifact, samples: Calibration) -> Mapping[str, Json]:
    """Two files layer by layer, `first` being the better one: see `verify.attribution.blame`. Kept by content."""
    one, two = _traced(workshop, first), _traced(workshop, second)
    if one.environment != two.environment:
        raise UsageError(
            f"{first.format} files run in {one.environment} and {second.format} files in {two.environment}: they cannot be compared at once",
            remedy="compare two files of one runtime, such as the float and the int8 TFLite of a conversion",
            code="blame-apart",
        )
    verifier = code_digest(str(Path(thresholds.__file__).parent))
    key = digest_json([first.sha256, second.sha256, one.trace, two.trace, samples.sha256, verifier])[:32]
    entry = workshop.cache.get("blames", key)
    if entry is None:
        workshop.progress(f"comparing {second.path.name} with {first.path.name} layer by layer", None)
        folder = workshop.cache.stage(key)
        try:
            value = _blame(workshop, (one, first), (two, second), samples, folder / "work")
            workshop.cache.drop(folder / "work")
            entry = workshop.cache.put("blames", key, folder, {"value": value})
        finally:
            workshop.cache.drop(folder)
    answer: Mapping[str, Json] = entry.value["value"]
    return answer


def _blame(workshop: Workshop, first: tuple[Runner, Artifact], second: tuple[Runner, Artifact], samples: Calibration, folder: Path) -> Json:
    arguments = {
        "first_trace": first[0].trace,
        "first": str(first[1].path.absolute()),
        "second_trace": second[0].trace,
        "second": str(second[1].path.absolute()),
        "samples": to_json(samples),
    }
    outcome = workshop.call(BLAME, arguments, first[0].environment, folder, (*first[0].code, *second[0].code))
    if outcome.status == "ok":
        return outcome.value
    raise VerificationFailed(
        f"the layers cannot be compared: {outcome.error.get('message') or outcome.status}",
        where=str(outcome.error.get("where") or ""),
        remedy=str(outcome.error.get("remedy") or "compare the outputs only: edgeroute verify FILE --source MODEL"),
        code=str(outcome.error.get("code") or "blame-failed"),
    )


def _traced(workshop: Workshop, artifact: Artifact) -> Runner:
    runner = workshop.catalog.runner(artifact.format)
    if runner is None or not runner.trace:
        raise UsageError(
            f"nothing here can look inside {artifact.format} files",
            where=artifact.path.name,
            remedy="compare the files before and after the step that loses it: `edgeroute blame RESULT.json`",
            code="blame-opaque",
        )
    return runner
