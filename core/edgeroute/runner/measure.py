"""Samples, reference outputs, and the verification of a step: each made once, in a child, and kept by content."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeroute import codec
from edgeroute.errors import EdgerouteError, SourceError, VerificationFailed
from edgeroute.recognize import digest_files
from edgeroute.runner.chain import Chain
from edgeroute.runner.diagnose import family_of
from edgeroute.runner.request import Request
from edgeroute.runner.step import Done
from edgeroute.types import (
    Artifact,
    Calibration,
    Converter,
    Finding,
    Json,
    Outcome,
    Runner,
    Severity,
    Tensor,
    Verification,
    digest_json,
    to_json,
)
from edgeroute.verify import thresholds
from edgeroute.verify.traced import CUT_ELSEWHERE
from edgeroute.workshop import RUNTIME, Workshop, code_digest

"""The environment in which samples are made and arrays compared."""


@dataclass(frozen=True)
class Samples:
    """What is fed to the model: to the quantizers, and to every file that is measured."""

    calibration: Calibration
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Reference:
    """What the pristine source answered to the measured samples."""

    artifact: Artifact
    folder: Path
    seconds: float = 0.0


def prepare(workshop: Workshop, request: Request, inputs: Sequence[Tensor], *, pixels: bool = False) -> Samples:
    """Make the samples from the user's images or arrays, or random ones; raises SourceError or UsageError for unusable ones."""
    source = str(request.calibrate.absolute()) if request.calibrate else ""
    content = digest_files(request.calibrate)[1] if request.calibrate and request.calibrate.exists() else source
    key = digest_json([content, to_json(request.preprocess), to_json(inputs), pixels, verifier()])[:32]
    entry = workshop.cache.get("samples", key)
    if entry is None:
        workshop.progress("preparing samples", None)
        staged = workshop.cache.stage(key)
        arguments = {
            "source": source,
            "inputs": to_json(inputs),
            "preprocess": to_json(request.preprocess),
            "out": str(staged / "data"),
            "pixels": pixels,
        }
        outcome = workshop.call("edgeroute.verify.samples:prepare", arguments, RUNTIME, staged)
        _raise_if_failed(outcome, "preparing the samples", staged)
        _camera_side(staged / "data")
        entry = workshop.cache.put("samples", key, staged, {"value": outcome.value})
    value = entry.value["value"]
    calibration = dataclasses.replace(codec.from_json(Calibration, value["calibration"]), path=entry.folder / "data")
    return Samples(calibration, tuple(codec.from_json(Finding, f) for f in value["findings"]))


def _camera_side(folder: Path) -> None:
    """The same samples as a model takes them whose preprocessing is inside: a folder of its own, without a copy."""
    if (folder / "pixels.npy").exists():
        (folder / "camera").mkdir()
        os.link(folder / "pixels.npy", folder / "camera" / "0.npy")


def as_pixels(calibration: Calibration) -> Calibration:
    """The samples [count, H, W, C] uint8 as a camera feeds them, for steps after the preprocessing was folded in."""
    return dataclasses.replace(calibration, path=calibration.path / "camera", sha256=f"{calibration.sha256}:pixels")


def words(request: Request) -> dict[str, str]:
    """What the user said that a runner must know, as environment variables: it is given nothing but the path."""
    spoken = {"EDGEROUTE_TRUST_MODEL": "1" if request.trust_pickle else "", "EDGEROUTE_SIGNATURE": request.signature}
    return {name: value for name, value in spoken.items() if value}


def spoken(words: Mapping[str, str], inputs: Sequence[Tensor]) -> dict[str, str]:
    """The words, with the shapes that formats leave open which tell none."""
    return {**words, "EDGEROUTE_INPUT_SHAPES": json.dumps({t.name: t.shape for t in inputs})}


def refer(
    workshop: Workshop,
    artifact: Artifact,
    samples: Samples,
    inputs: Sequence[Tensor],
    words: Mapping[str, str] | None = None,
    at: Sequence[str] = (),
) -> Reference | None:
    """Run the pristine source on the measured samples; None where nothing on this computer executes its format.

    With `at`, it answers with these inner tensors instead of its outputs; VerificationFailed (`cut-elsewhere`) where they cannot be had.
    """
    runner = workshop.catalog.runner(artifact.format)
    if runner is None:
        return None
    if at and not runner.trace:
        raise VerificationFailed(
            f"the inner tensors of {artifact.path.name} cannot be read",
            remedy="convert it to ONNX first, and cut that",
            code=CUT_ELSEWHERE,
        )
    decides = [artifact.sha256, runner.name, runner.run, samples.calibration.sha256, to_json(inputs), words or {}, verifier()]
    key = digest_json([*decides, *([list(at)] if at else [])])[:32]
    entry = workshop.cache.get("outputs", key)
    if entry is None:
        workshop.progress(f"running {artifact.path.name} as it was given", None)
        staged = workshop.cache.stage(key)
        arguments = {
            "runner": runner.trace if at else runner.run,
            "model": str(artifact.path.absolute()),
            "at": list(at),
            "samples": to_json(samples.calibration),
            "out": str(staged / "data"),
            "words": spoken(words or {}, inputs),
        }
        outcome = workshop.call("edgeroute.verify.execute:reference", arguments, runner.environment, staged, runner.code)
        _raise_if_failed(outcome, f"running {artifact.path.name}", staged)
        entry = workshop.cache.put("outputs", key, staged, {"value": outcome.value, "seconds": outcome.seconds})
    return Reference(artifact, entry.folder / "data", float(entry.value.get("seconds", 0.0)))


def verify(
    workshop: Workshop,
    done: Done,
    converter: Converter,
    samples: Samples,
    reference: Reference | None,
    limits: Mapping[str, float],
    chain: Chain,
) -> Verification:
    """Hold a step's output against the pristine source's answers; a verification of the same file and samples is taken from the cache."""
    kind = "int8" if workshop.catalog.formats[converter.target].precision == "int8" else "float"
    runner = workshop.catalog.runner(converter.target)
    if runner is None or workshop.catalog.formats[converter.target].precision == "opaque":
        return Verification("unmeasured", kind)
    measured = _measured(workshop, done, runner, samples, reference, kind, chain)
    by_default = tuple(f for f in measured.findings if f.code not in thresholds.SOFT)
    return thresholds.judge(dataclasses.replace(measured, findings=by_default), kind, limits, converter.name)


def _measured(
    workshop: Workshop, done: Done, runner: Runner, samples: Samples, reference: Reference | None, kind: str, chain: Chain
) -> Verification:
    against = reference.artifact.sha256 if reference else ""
    key = digest_json([samples.calibration.sha256, against, runner.run, verifier(), chain.raw_pixels, chain.notes])[:32]
    known: Mapping[str, Json] = done.entry.value.get("verifications", {})
    if key not in known:
        workshop.progress(f"verifying what {done.record.converter} wrote", None)
        value = _measure(workshop, done, runner, samples, reference, kind, chain)
        workshop.cache.amend(done.entry, {"verifications": {**known, key: value}})
        known = {key: value}
    return codec.from_json(Verification, known[key])


def _measure(
    workshop: Workshop, done: Done, runner: Runner, samples: Samples, reference: Reference | None, kind: str, chain: Chain
) -> Json:
    folder = workshop.cache.stage("verify")
    arguments = {
        "runner": runner.run,
        "model": str(done.artifact.path),
        "samples": to_json(samples.calibration),
        "reference": str(reference.folder) if reference else "",
        "kind": kind,
        "notes": dict(chain.notes),
        "raw_pixels": chain.raw_pixels,
    }
    try:
        outcome = workshop.call("edgeroute.verify.execute:measure", arguments, runner.environment, folder, runner.code)
        if outcome.status != "ok":
            raise _unloadable(done, outcome)
        return {**outcome.value, "seconds": outcome.seconds}
    finally:
        workshop.cache.drop(folder)


def _unloadable(done: Done, outcome: Outcome) -> EdgerouteError:
    said = outcome.error.get("message") or f"its process ended with {outcome.status}"
    return VerificationFailed(
        f"what {done.record.converter} wrote does not load or run: {said}",
        where=done.record.key,
        remedy=str(outcome.error.get("remedy") or f"take another edge: --avoid {done.record.converter}"),
        code=str(outcome.error.get("code") or "step-unrunnable"),
    )


def _raise_if_failed(outcome: Outcome, doing: str, staged: Path) -> None:
    if outcome.status == "ok":
        return
    shutil.rmtree(staged, ignore_errors=True)
    error = outcome.error
    family = family_of(error, SourceError)
    raise family(
        f"{doing} failed: {error.get('message') or outcome.status}",
        where=str(error.get("where") or ""),
        remedy=str(error.get("remedy") or "`edgeroute doctor` looks for the reason"),
        code=str(error.get("code") or ""),
    )


def verifier() -> str:
    """What decides a measured number besides the files and samples."""
    return code_digest(str(Path(thresholds.__file__).parent))


def smoke(workshop: Workshop, artifact: Artifact, runner: Runner) -> Verification:
    """Load a file and run it once, without anything to compare it with."""
    folder = workshop.cache.stage("smoke")
    try:
        arguments = {"runner": runner.run, "model": str(artifact.path.absolute())}
        outcome = workshop.call("edgeroute.verify.execute:smoke", arguments, runner.environment, folder, runner.code)
        if outcome.status == "ok":
            return codec.from_json(Verification, outcome.value)
        said = str(outcome.error.get("message") or f"its process ended with {outcome.status}")
        remedy = str(outcome.error.get("remedy") or "convert the model again with another quantizer; `edgeroute plan` lists the routes")
        return Verification(
            "failed", "smoke", findings=(Finding("TFL-017", Severity.ERROR, f"the file does not load or run: {said}", remedy, cost=1.0),)
        )
    finally:
        workshop.cache.drop(folder)
