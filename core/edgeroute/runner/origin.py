"""What a delivered file says about where it comes from: the statement behind `provenance`, made from a finished journey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import edgeroute
from edgeroute.provenance import SCHEMA, impersonal
from edgeroute.runner.chain import chain_of
from edgeroute.runner.request import Request
from edgeroute.runner.result import Journey, fidelity
from edgeroute.types import Artifact, Calibration, Json, StepRecord, to_json
from edgeroute.workshop import Workshop


def statement_of(journey: Journey, request: Request) -> dict[str, Json]:
    """Everything that decided the bytes, and what was measured: no date, no path, no duration."""
    arrival = journey.arrival
    chain = chain_of(arrival.steps)
    said: dict[str, Json] = {
        "schema": SCHEMA,
        "edgeroute": edgeroute.__version__,
        "target": journey.target,
        "status": journey.status,
        "source": {"name": journey.source.path.name, **_identity(journey.source)},
        "artifact": _identity(arrival.artifact),
        "steps": [step_of(journey.workshop, step) for step in arrival.steps],
        "calibration": _calibration(journey.samples.calibration),
        "preprocess": to_json(request.preprocess),
        "input_shapes": {name: list(shape) for name, shape in request.input_shapes.items()},
    }
    named: dict[str, Json] = {"border": {"raw_pixels": chain.raw_pixels, "notes": chain.notes}, "parity": parity(arrival.steps)}
    return {**impersonal(to_json(said)), **to_json(named)}  # tensors' names look like paths: /head/Concat_output_0


def after_hand_over(said: Mapping[str, Json], artifact: Artifact, key: str) -> dict[str, Json]:
    """The statement of a conversion whose last step a colleague made."""
    step = {"key": key, "version": "", "options": {}, "tools": {}, "environments": {}, "by": "a colleague"}
    return {**said, "artifact": _identity(artifact), "steps": [*said.get("steps", []), step]}


def _identity(artifact: Artifact) -> dict[str, Json]:
    return {"format": artifact.format, "sha256": artifact.sha256, "bytes": artifact.bytes}


def _calibration(samples: Calibration) -> dict[str, Json]:
    return {"sha256": samples.sha256, "count": samples.count, "held_back": samples.held_back, "random": samples.random}


def step_of(workshop: Workshop, step: StepRecord) -> dict[str, Json]:
    """One step: the edge and its version, its options, and the digests of what it ran in."""
    converter = next((c for c in workshop.catalog.converters if c.key == step.key), None)
    places = (converter.environment, converter.tool) if converter else (step.environment,)
    return {
        "key": step.key,
        "version": converter.version if converter else "",
        "options": dict(step.options),
        "tools": dict(sorted(step.versions.items())),
        "environments": {name: workshop.environments.state(name).digest for name in places if name},
    }


def parity(steps: Sequence[StepRecord]) -> dict[str, Json]:
    """The last measurement in a few rounded numbers: the next run may differ in the last digits."""
    measured = fidelity(steps)
    outputs = [_output(o) for o in measured["outputs"]]
    return {
        "step": measured.get("step", ""),
        "status": measured["status"],
        "kind": measured.get("kind", ""),
        "samples": measured.get("samples", 0),
        "sqnr_db": _rounded(measured.get("sqnr_db"), 1),
        "outputs": outputs,
    }


def _output(output: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "name": output["name"],
        "sqnr_db": _rounded(output["sqnr_db"], 1),
        "correlation": _rounded(output["correlation"], 3),
        "top1": _rounded(output["top1"], 3),
    }


def _rounded(value: Json, digits: int) -> Json:
    return round(value, digits) if isinstance(value, (int, float)) else None
