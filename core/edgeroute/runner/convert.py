"""A model and a device → a verified file at its place."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeroute.checks import check_artifact
from edgeroute.errors import SourceError
from edgeroute.recognize import digest_files, recognize
from edgeroute.runner import measure, shapes
from edgeroute.runner.chain import NO_STEPS, Chain
from edgeroute.runner.deliver import deliver, destination, must_be_writable
from edgeroute.runner.explore import Arrival, Search, Trail, explore
from edgeroute.runner.request import Request, check_options
from edgeroute.runner.step import Done
from edgeroute.types import (
    Artifact,
    ConversionResult,
    Converter,
    Finding,
    Json,
    Preprocess,
    Severity,
    StepRecord,
    Tensor,
    ValidationReport,
    Verification,
    to_json,
)
from edgeroute.verify import thresholds
from edgeroute.workshop import Workshop


@dataclass
class Yardstick:
    """What steps are measured with; the reference is the source, or the first file after it that can be executed."""

    workshop: Workshop
    request: Request
    samples: measure.Samples
    inputs: tuple[Tensor, ...]
    source: Artifact
    reference: measure.Reference | None
    let_through: list[str] = field(default_factory=list)
    """Edges whose breach of a threshold the user allowed."""

    def verify(self, done: Done, converter: Converter, chain: Chain) -> Verification:
        self._source_untouched(converter)
        answer = measure.verify(self.workshop, done, converter, self.samples, self.reference, self.request.thresholds, chain)
        if answer.status == "failed" and self.request.allow_degraded and not thresholds.is_final(answer):
            self.let_through.append(done.record.key)
            answer = dataclasses.replace(answer, status="degraded")
        if self.reference is None:
            self.reference = measure.refer(self.workshop, done.artifact, self.samples, self.inputs)
        return answer

    def _source_untouched(self, converter: Converter) -> None:
        if digest_files(self.source.path, self.source.files)[1] != self.source.sha256:
            raise SourceError(
                f"{self.source.path} changed while {converter.name} ran",
                where=str(self.source.path),
                remedy="restore it from your backup; nothing that edgeroute runs is given that path, so look for who else writes there",
                code="source-changed",
            )


def convert(workshop: Workshop, source: Path, target: str, request: Request) -> ConversionResult:
    """Convert a model file for a device; raises the family of errors.EdgerouteError, and then nothing is left behind."""
    started = time.monotonic()
    device = workshop.catalog.target(target)
    check_options(workshop.catalog, request.options)
    if request.out is not None:
        must_be_writable(destination(source, target, "", request.out), source)
    artifact = recognize(source, workshop.plugins, workshop.catalog)
    _plan_before_work(workshop, artifact, target, request)
    inputs = shapes.resolve(_inputs(artifact, request), request.input_shapes)
    folds = device.camera and request.preprocess.known
    samples = measure.prepare(workshop, request, inputs, pixels=folds)
    yardstick = Yardstick(workshop, request, samples, inputs, artifact, measure.refer(workshop, artifact, samples, inputs))
    trail = Trail()

    def validate(final: Artifact, verification: Verification | None) -> ValidationReport:
        return check_artifact(
            workshop, final, device, {"verification": verification, "runtime": request.runtime, "preprocess": request.preprocess}
        )

    def filled(chain: Chain) -> Mapping[str, object]:
        return fills(samples, inputs, request, chain)

    wishes = (CAMERA,) if folds and samples.calibration.pixels and CAMERA in {c.name for c in workshop.catalog.converters} else ()
    search = Search(workshop, target, request, filled, yardstick.verify, validate, wishes)
    arrival = explore(search, artifact, trail)
    return _finish(workshop, artifact, arrival, target, request, samples, trail, yardstick.let_through, time.monotonic() - started)


CAMERA = "camera"
"""Converters of this name fold the preprocessing into the model; taken for cameras wherever the preprocessing is known."""


def fills(samples: measure.Samples | None, inputs: Sequence[Tensor], request: Request, chain: Chain = NO_STEPS) -> Mapping[str, object]:
    """What edgeroute puts into options that are declared with `fill`."""
    values: dict[str, object] = {
        "input_shapes": {t.name: t.shape for t in inputs},
        "preprocess": request.preprocess,
        "trust": request.trust_pickle,
        "model_factory": request.model_factory,
        "signature": request.signature,
    }
    values["input_range"] = input_range(request.preprocess, chain)
    if samples is not None:
        values["calibration"] = measure.as_pixels(samples.calibration) if chain.raw_pixels else samples.calibration
    return values


def input_range(preprocess: Preprocess, chain: Chain) -> tuple[float, float] | None:
    """What pixels 0 and 255 become before the model sees them, so that its input's scale leaves the byte as it is; None if unknown."""
    if chain.raw_pixels:
        return (0.0, 255.0)
    if not preprocess.known or len(set(preprocess.mean)) > 1 or len(set(preprocess.std)) > 1:
        return None
    low, high = ((pixel * preprocess.scale - preprocess.mean[0]) / preprocess.std[0] for pixel in (0, 255))
    return (low, high)


def _plan_before_work(workshop: Workshop, artifact: Artifact, target: str, request: Request) -> None:
    """Say that there is no route before anything is built or run."""
    from edgeroute import planner
    from edgeroute.runner.blocked import blocked_edges

    blocked = blocked_edges(workshop, artifact, request, fills(None, (), request))
    planner.plan(workshop.catalog, artifact.format, target, blocked=blocked, via=request.via, avoid=request.avoid, k=1)


def _inputs(artifact: Artifact, request: Request) -> tuple[Tensor, ...]:
    """The source's inputs as its file tells them; where the format does not, as the user does."""
    if artifact.facts.inputs:
        return artifact.facts.inputs
    if request.input_shapes:
        return tuple(Tensor(name or "input", shape, "float32") for name, shape in request.input_shapes.items())
    raise SourceError(
        f"{artifact.path.name} does not say what it takes ({artifact.format} files never do)",
        where=str(artifact.path),
        remedy="add --input-shape 1,3,224,224",
        code="shape-open",
    )


def _finish(
    workshop: Workshop,
    source: Artifact,
    arrival: Arrival,
    target: str,
    request: Request,
    samples: measure.Samples,
    trail: Trail,
    let_through: Sequence[str],
    seconds: float,
) -> ConversionResult:
    suffix = workshop.catalog.formats[arrival.artifact.format].suffix
    place = destination(source.path, target, suffix, request.out)
    must_be_writable(place, source.path)
    artifact = dataclasses.replace(arrival.artifact, path=deliver(arrival.artifact, place))
    findings = (
        *_uncalibrated(workshop, arrival, samples),
        *(f for s in arrival.steps for f in _step_findings(s)),
        *arrival.validation.findings,
    )
    degraded = any(step.key in let_through for step in arrival.steps)
    return ConversionResult(
        status="degraded" if degraded else "succeeded",
        target=target,
        source=source,
        artifact=artifact,
        route=tuple(s.converter for s in arrival.steps),
        steps=arrival.steps,
        fidelity=fidelity(arrival.steps),
        findings=tuple(sorted(findings, key=lambda f: (f.severity.rank, -f.cost, f.code))),
        rejected=tuple(trail.rejected),
        validation=arrival.validation,
        calibrated=not samples.calibration.random or not _quantizes(workshop, arrival),
        seconds=round(seconds, 3),
    )


def _step_findings(step: StepRecord) -> tuple[Finding, ...]:
    return (*step.findings, *(step.verification.findings if step.verification else ()))


def fidelity(steps: Sequence[StepRecord]) -> dict[str, Json]:
    """The last measured step in a few numbers."""
    measured = [s.verification for s in steps if s.verification and s.verification.outputs]
    if not measured:
        return {"status": "unmeasured", "outputs": []}
    last = measured[-1]
    return {
        "status": last.status,
        "kind": last.kind,
        "samples": last.samples,
        "sqnr_db": to_json(last.sqnr_db),
        "outputs": to_json(last.outputs),
    }


def _quantizes(workshop: Workshop, arrival: Arrival) -> bool:
    return any(workshop.catalog.formats[s.target].precision == "int8" for s in arrival.steps)


def _uncalibrated(workshop: Workshop, arrival: Arrival, samples: measure.Samples) -> tuple[Finding, ...]:
    if not samples.calibration.random or not _quantizes(workshop, arrival):
        return samples.findings if not samples.calibration.random else ()
    return (
        Finding(
            "uncalibrated", Severity.WARNING, "no calibration images were given: the int8 ranges come from random data and will not fit real pictures",
            "add --calibrate FOLDER with 100 to 200 typical images (and --mean/--std/--scale as in training)", cost=1.0,
        ),
    )  # fmt: skip
