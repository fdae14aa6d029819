"""Every step once more, on request: does the same input give the same bytes?"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgeroute.codec import from_json
from edgeroute.files import read_json
from edgeroute.jobs import JOB, run_job
from edgeroute.runner.result import Journey
from edgeroute.runner.step import digest_output, scratch_copy
from edgeroute.types import Artifact, Converter, Finding, Job, Limits, Severity, StepRecord
from edgeroute.workshop import Workshop

REPEATABLE = "repeatable"
"""Note of a step that was run twice."""


def repeat(journey: Journey, limits: Limits) -> Journey:
    """The journey with a note at every step whether it gave the same bytes again, and a finding for those that did not."""
    source, steps, findings = journey.source, [], []
    for step in journey.arrival.steps:
        same = _same(journey.workshop, step, source, limits)
        if same is not None:
            step = dataclasses.replace(step, notes={**step.notes, REPEATABLE: same})
        findings += [] if same is not False else [_varies(step)]
        steps.append(step)
        source = step.artifact or source
    arrival = dataclasses.replace(journey.arrival, steps=tuple(steps))
    return dataclasses.replace(journey, arrival=arrival, findings=(*journey.findings, *findings))


def _varies(step: StepRecord) -> Finding:
    return Finding(
        "step-varies",
        Severity.TIP,
        f"{step.converter} gave other bytes when it ran again on the same input",
        "nothing to do for the file, which was verified as it is; to have the very same bytes again, keep it",
        where=step.key,
    )


def _same(workshop: Workshop, step: StepRecord, source: Artifact, limits: Limits) -> bool | None:
    """Run the step's own job again, beside the cache; None where that cannot be done."""
    converter = next((c for c in workshop.catalog.converters if c.key == step.key), None)
    entry = workshop.cache.get("steps", Path(step.folder).name) if step.folder else None
    if converter is None or entry is None:
        return None
    workshop.progress(f"{step.converter}: once more", None)
    folder = workshop.cache.stage("repeat")
    try:
        same: bool = _again(workshop, converter, entry.folder, source, folder, limits) == str(entry.value["sha256"])
    finally:
        workshop.cache.drop(folder)
    workshop.cache.amend(entry, {REPEATABLE: same})
    return same


def _again(workshop: Workshop, converter: Converter, kept: Path, source: Artifact, folder: Path, limits: Limits) -> str:
    """Digest of what the step writes this time; empty where it fails."""
    job = dataclasses.replace(from_json(Job, read_json(kept / JOB)), memo="")
    scratch_copy(source, folder / "in")
    out = folder / str(job.arguments["out"])
    out.parent.mkdir()
    ready = workshop.environments.ensure(converter.environment, workshop.progress)
    outcome = run_job(ready.python, job, folder, limits)
    return digest_output(out) if outcome.status == "ok" and out.exists() else ""
