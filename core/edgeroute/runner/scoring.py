"""What a candidate is worth: the fidelity that was measured, or the user's own measure of the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from edgeroute.errors import UsageError
from edgeroute.types import Json, OutputFidelity, Verification
from edgeroute.workshop import Workshop

WORST, BEST = -10.0, 50.0
GOOD = 20.0
BEYOND = 0.25
"""What a decibel beyond `GOOD` counts: no application was seen to notice it, while the output that lacks one does."""

OFF = 0.1
"""dB that a file has to be better for each operator more that the device leaves to its processor: every one interrupts the accelerator."""


def interruptions(placement: Mapping[str, Json]) -> float:
    """What the operators cost, in dB, that the accelerator does not take, by the rules' estimate (`ValidationReport.placement`)."""
    counts = placement.get("counts")
    left = counts.get("cpu") if isinstance(counts, Mapping) else 0
    return OFF * left if isinstance(left, int) else 0.0


def score(verification: Verification | None) -> float:
    """Mean over outputs of SQNR (-10..50 dB; what is beyond 20 dB counts a quarter), less what outputs lose that do not follow the float model."""
    if verification is None or not verification.outputs:
        return WORST
    return sum(_score(o) for o in verification.outputs) / len(verification.outputs)


def _score(output: OutputFidelity) -> float:
    decibels = output.sqnr_db if output.sqnr_db == output.sqnr_db else BEST
    astray = max(0.0, 0.9 - output.correlation) * 100
    spread = max(0.0, 0.5 - output.spread, output.spread - 1.5) * 40
    clipped = min(max(decibels, WORST), BEST)
    return min(clipped, GOOD) + BEYOND * max(0.0, clipped - GOOD) - astray - spread - 20.0 * len(output.dead_groups)


def metric(workshop: Workshop, function: str, file: Path) -> float:
    """The user's own measure, in a child of the caller's interpreter."""
    module = function.partition(":")[0].partition(".")[0]
    place = Path.cwd() / module
    own = place if place.is_dir() else place.with_suffix(".py")
    code = {module: str(own)} if own.exists() else {}
    workshop = dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, code={**workshop.catalog.code, **code}))
    folder = workshop.cache.stage("metric")
    try:
        outcome = workshop.call("edgeroute.runner.metric:measure", {"function": function, "path": str(file)}, "", folder, code)
    finally:
        workshop.cache.drop(folder)
    if outcome.status != "ok":
        raise UsageError(
            f"the metric {function} failed: {outcome.error.get('message', outcome.status)}",
            remedy="it is called with the path of a TFLite file and returns a number; its file must be in this folder or installed",
            code="metric-failed",
        )
    return float(outcome.value)
