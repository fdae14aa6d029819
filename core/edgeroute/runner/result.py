"""What a conversion is told as: its steps, its numbers, and everything that was found on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgeroute.runner import measure
from edgeroute.runner.trail import Arrival, Trail
from edgeroute.types import Artifact, ConversionResult, Finding, Json, Severity, StepRecord, Target, to_json
from edgeroute.verify.thresholds import RANDOM_DATA
from edgeroute.workshop import Workshop

UNCALIBRATED = "uncalibrated"
"""Says of a conversion what `RANDOM_DATA` says of its step, and more."""


@dataclass(frozen=True)
class Journey:
    """A conversion that has arrived, before its file is put at its place."""

    workshop: Workshop
    source: Artifact
    target: str
    arrival: Arrival
    samples: measure.Samples
    trail: Trail
    let_through: tuple[str, ...]
    """Digests of the files whose breach of a threshold the user allowed."""
    seconds: float
    tried: tuple[Mapping[str, Json], ...] = ()
    """The candidates of a search."""
    details: Mapping[str, Json] = field(default_factory=dict)
    """What the result tells beside its file."""
    findings: tuple[Finding, ...] = ()
    """Of the journey as a whole."""

    @property
    def status(self) -> str:
        return "degraded" if any(step.artifact and step.artifact.sha256 in self.let_through for step in self.arrival.steps) else "succeeded"


def result_of(journey: Journey, *, artifact: Artifact | None = None, status: str = "") -> ConversionResult:
    """Everything about a journey; without an artifact for one that a colleague completes."""
    arrival = journey.arrival
    return ConversionResult(
        status=status or journey.status,
        target=journey.target,
        source=journey.source,
        artifact=artifact,
        route=tuple(s.converter for s in arrival.steps),
        steps=arrival.steps,
        fidelity={**fidelity(arrival.steps), "random": journey.samples.calibration.random},
        findings=by_weight(_findings(journey)),
        rejected=tuple(journey.trail.rejected),
        validation=arrival.validation,
        calibrated=not journey.samples.calibration.random or not _quantizes(journey),
        seconds=round(journey.seconds, 3),
        details={
            **journey.details,
            **({"before_compile": to_json(arrival.before)} if arrival.before else {}),
            **({"candidates": [dict(t) for t in journey.tried]} if journey.tried else {}),
        },
    )


def by_weight(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each finding once, errors first, then by what it costs."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: (f.severity.rank, -f.cost, f.code)))


def fidelity(steps: Sequence[StepRecord]) -> dict[str, Json]:
    """The last measured step in a few numbers; `step` says which one that was."""
    measured = [s for s in steps if s.verification and s.verification.outputs]
    if not measured or measured[-1].verification is None:
        return {"status": "unmeasured", "outputs": []}
    step, last = measured[-1], measured[-1].verification
    return {
        "status": last.status,
        "kind": last.kind,
        "samples": last.samples,
        "sqnr_db": to_json(last.sqnr_db),
        "outputs": to_json(last.outputs),
        "step": step.key,
    }


def unmeasured_behind(steps: Sequence[StepRecord], compiled: str, target: Target) -> Finding:
    """Why the numbers are those of the file before compilation."""
    on_camera = "run it where it belongs: edgeroute device test FILE --host USER@CAMERA"
    measured = fidelity(steps).get("step")
    whose = f"the numbers are those of the file before it, behind {measured}" if measured else "nothing before it was measured either"
    return Finding(
        "parity-before-compile",
        Severity.TIP,
        f"nothing on this computer executes a compiled file ({compiled}): {whose}",
        on_camera if target.devices else f"run it where it belongs: on {target.title}, and compare its answers with the source's",
    )


def _findings(journey: Journey) -> tuple[Finding, ...]:
    arrival = journey.arrival
    opaque = journey.workshop.catalog.formats[arrival.artifact.format].precision == "opaque"
    target = journey.workshop.catalog.target(journey.target)
    uncalibrated = _uncalibrated(journey)
    of_steps = (f for s in arrival.steps for f in (*s.findings, *(s.verification.findings if s.verification else ())))
    return (
        *journey.findings,
        *uncalibrated,
        *(f for f in of_steps if not (f.code == RANDOM_DATA and any(u.code == UNCALIBRATED for u in uncalibrated))),
        *(arrival.before.findings if arrival.before else ()),
        *arrival.validation.findings,
        *([unmeasured_behind(arrival.steps, arrival.artifact.format, target)] if opaque else []),
    )


def _quantizes(journey: Journey) -> bool:
    formats = journey.workshop.catalog.formats
    return any(formats[s.target].precision == "int8" for s in journey.arrival.steps)


def _uncalibrated(journey: Journey) -> tuple[Finding, ...]:
    samples = journey.samples
    if not samples.calibration.random or not _quantizes(journey):
        return samples.findings if not samples.calibration.random else ()
    return (
        Finding(
            UNCALIBRATED, Severity.WARNING,
            "no calibration images were given: the int8 ranges come from random data and will not fit real pictures, and nor do the numbers measured on it",
            "add --calibrate FOLDER with 100 to 200 typical images (and --mean/--std/--scale as in training)", cost=1.0,
        ),
    )  # fmt: skip
