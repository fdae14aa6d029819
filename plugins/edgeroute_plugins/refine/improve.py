"""An int8 file made better after it was quantized, and kept only when it is: judged on samples that the fitting did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeroute_plugins.refine.editable import Editable
from edgeroute_plugins.refine.network import Array
from edgeroute_plugins.refine.objective import Objective
from edgeroute_plugins.refine.reconstruct import Fit, reconstruct

FITS = {"bias": (Fit(weights=False),), "weights": (Fit(), Fit(weights=False))}
"""What each kind tries; the best one wins."""
FITTED, JUDGED = 24, 16
"""Samples to fit on and to judge on, at the most."""
FEWEST = 4
GAIN = 0.1
"""dB below which the file stays as it was."""


@dataclass(frozen=True)
class Improvement:
    """What came of it: the file, the score before and after in dB on unseen samples, and which fit won (none: unchanged)."""

    blob: bytes
    before: float
    after: float
    fit: str
    layers: int


def improve(floating: bytes, integer: bytes, rows: Sequence[Sequence[Array]], kind: str) -> Improvement:
    """Try the fits of a kind (`bias`, `weights`) on calibration samples, real-valued and in the files' layout.

    With fewer than `FEWEST` samples nothing is tried.
    """
    fitting, judging = share_out(rows)
    if not judging:
        return Improvement(integer, 0.0, 0.0, "", 0)
    objective = Objective.of(floating, integer, judging)
    before = objective.score(integer)
    best = Improvement(integer, before, before, "", 0)
    for fit in FITS[kind]:
        editable = Editable.parse(integer)
        layers = reconstruct(floating, editable, fitting, fit)
        blob = editable.to_bytes()
        after = objective.score(blob)
        if after > best.after + (GAIN if not best.fit else 0.0):
            best = Improvement(blob, before, after, "weights" if fit.weights else "bias", layers)
    return best


def share_out(rows: Sequence[Sequence[Array]]) -> tuple[list[Sequence[Array]], list[Sequence[Array]]]:
    """Samples to fit on and samples to judge on, both spread over all of them; every third one judges."""
    if len(rows) < FEWEST:
        return list(rows), []
    judging, fitting = list(rows[2::3]) or list(rows[-1:]), [r for i, r in enumerate(rows) if i % 3 != 2]
    return _spread(fitting, FITTED), _spread(judging, JUDGED)


def _spread(rows: list[Sequence[Array]], most: int) -> list[Sequence[Array]]:
    every = max(1, -(-len(rows) // most))
    return rows[::every]
