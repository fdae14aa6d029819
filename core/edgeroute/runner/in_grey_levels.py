"""What a noisy int8 file lost, told in grey levels of the picture: once per conversion, for the file that is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgeroute.errors import EdgerouteError, VerificationFailed
from edgeroute.runner import measure
from edgeroute.runner.chain import Chain, chain_of
from edgeroute.runner.request import Request
from edgeroute.types import Artifact, Finding, Json, Limits, Runner, StepRecord, Tensor, digest_json, to_json
from edgeroute.verify import grey_levels, thresholds
from edgeroute.workshop import Workshop

AGAIN = "edgeroute.verify.shaking:again"
SHAKEN = "edgeroute.verify.shaking:shaken"
COSTLY = 60.0
"""Seconds that the reference took for its measured samples, above which it is not run again for a tip."""
PATIENCE = Limits(seconds=180)
AT_HAND = ("ready", "caller")
ODD = "odd-sample"

Referred = Callable[[Chain], measure.Reference | None]
"""What files at such a border were measured against."""


@dataclass(frozen=True)
class Noisy:
    """An int8 file that stays below a good mark, the reference that it was measured against, and what runs the two."""

    file: Artifact
    runner: Runner
    chain: Chain
    typical: bool
    """Judged without its odd samples."""
    reference: measure.Reference
    source: Runner
    outputs: Mapping[str, float]
    """Those in question, with the dB that its verification found."""


def in_grey_levels(
    workshop: Workshop,
    request: Request,
    samples: measure.Samples,
    inputs: Sequence[Tensor],
    steps: Sequence[StepRecord],
    referred: Referred,
) -> tuple[Finding, ...]:
    """The tip `noise-in-grey-levels` where the last int8 file stays below a good mark; nothing where that cannot be known cheaply.

    Never raises: a tip is no reason to lose a file over.
    """
    from_pictures = request.calibrate is not None and request.calibrate.is_dir()
    if not grey_levels.is_worth_asking(samples.calibration, request.preprocess, from_pictures):
        return ()
    try:
        noisy = _noisy(workshop, request, steps, referred)
        found = _tip(workshop, request, samples, inputs, noisy) if noisy else None
    except (EdgerouteError, OSError):
        return ()
    return (found,) if found else ()


def _noisy(workshop: Workshop, request: Request, steps: Sequence[StepRecord], referred: Referred) -> Noisy | None:
    """The last file that was measured, where there is a reason and a way to measure its reference again."""
    measured = [i for i, s in enumerate(steps) if s.verification and s.verification.outputs]
    if not measured:
        return None
    step, chain = steps[measured[-1]], chain_of(steps[: measured[-1] + 1])
    told, file = step.verification, step.artifact
    outputs = grey_levels.noisy_outputs(told, thresholds.thresholds(request.thresholds)) if told else {}
    reference = referred(chain) if outputs else None
    if told is None or file is None or reference is None or reference.seconds > COSTLY:
        return None
    runner, source = workshop.catalog.runner(file.format), workshop.catalog.runner(reference.artifact.format)
    if runner is None or source is None or not (_is_at_hand(workshop, runner) and _is_at_hand(workshop, source)):
        return None
    return Noisy(file, runner, chain, any(f.code == ODD for f in told.findings), reference, source, outputs)


def _is_at_hand(workshop: Workshop, runner: Runner) -> bool:
    """Whether its environment need not be built first."""
    return workshop.environments.state(runner.environment).status in AT_HAND


def _tip(workshop: Workshop, request: Request, samples: measure.Samples, inputs: Sequence[Tensor], noisy: Noisy) -> Finding | None:
    """What was measured is kept by content."""
    of_file = {"notes": dict(noisy.chain.notes), "raw_pixels": noisy.chain.raw_pixels, "typical": noisy.typical}
    of_source = {
        "inputs": to_json(inputs),
        "preprocess": to_json(request.preprocess),
        "outputs": list(noisy.outputs),
        "words": measure.spoken(measure.words(request), inputs),
        "at": list(noisy.chain.cut),
    }
    files = [noisy.file.sha256, noisy.reference.artifact.sha256, samples.calibration.sha256]
    key = digest_json([files, of_file, of_source, noisy.runner.run, noisy.source.run, measure.verifier()])[:32]
    entry = workshop.cache.get("shaken", key)
    if entry is None:
        workshop.progress(f"running {noisy.reference.artifact.path.name} on pictures with noise", None)
        value = _shaken(workshop, samples, noisy, of_file, of_source)
        entry = workshop.cache.put("shaken", key, workshop.cache.stage(key), value)
    levels = [(float(amplitude), dict(left)) for amplitude, left in entry.value["levels"]]
    kept = {name: entry.value["sqnr_db"][name] for name in noisy.outputs if name in entry.value["sqnr_db"]}
    return grey_levels.finding(grey_levels.equivalents(levels, kept), noisy.outputs)


def _shaken(
    workshop: Workshop, samples: measure.Samples, noisy: Noisy, of_file: Mapping[str, Json], of_source: Mapping[str, Json]
) -> dict[str, Json]:
    """The file's `sqnr_db`, and the source's `levels` on the same pictures; two calls, for they may run in different environments."""
    shared = {"samples": to_json(samples.calibration), "reference": str(noisy.reference.folder)}
    file = {"runner": noisy.runner.run, "model": str(noisy.file.path), **shared}
    known = _call(workshop, AGAIN, noisy.runner, {**file, **of_file})
    run = noisy.source.trace if noisy.chain.cut else noisy.source.run
    source = {"runner": run, "model": str(noisy.reference.artifact.path.absolute()), **shared}
    told = _call(workshop, SHAKEN, noisy.source, {**source, **of_source, "file": known})
    return {"sqnr_db": known["sqnr_db"], "levels": told["levels"]}


def _call(workshop: Workshop, function: str, runner: Runner, arguments: Mapping[str, Json]) -> Json:
    """What it answers. Raises VerificationFailed, which nobody gets to see, for anything else."""
    folder = workshop.cache.stage("shaken")
    try:
        outcome = workshop.call(function, arguments, runner.environment, folder, runner.code, PATIENCE)
    finally:
        workshop.cache.drop(folder)
    if outcome.status != "ok":
        raise VerificationFailed(str(outcome.error.get("message") or outcome.status), remedy="`edgeroute doctor` looks for the reason")
    return outcome.value
