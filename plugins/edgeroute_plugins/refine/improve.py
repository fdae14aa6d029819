"""An int8 file made better after it was quantized, and kept only when it is: judged on samples that the fitting did not see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeroute_plugins.refine.editable import Editable
from edgeroute_plugins.refine.network import Array, Network
from edgeroute_plugins.refine.objective import Objective
from edgeroute_plugins.refine.reconstruct import Fit, Lesson, reconstruct

FITS = {"bias": (Fit(weights=False),), "weights": (Fit(weights=False), Fit(), Fit(pull=4.0))}
"""What each kind fits, in this order; on a large network not the last: how the roundings of many layers fall together is luck, and small ones try
theirs twice."""
LARGE = 2_000_000
"""Bytes of a file above which a network is large."""
CERTAIN = 1.0
"""dB by which fitted weights have to be better than what is best without them: so much of what is measured is luck, while a bias is a mean."""
FITTED, JUDGED = 24, 48
"""Samples to fit on and to judge on, at the most; on fewer than 20 the luck of the samples outweighs what a fit brings."""
FEWEST = 4
BEHIND = 0.5
"""dB below the best start's mean score at which another one is not fitted."""
GAIN = 0.1
"""dB below which the first file stays as it was."""
LOSS = 1.0
"""dB that one output may lose when all together gain."""
GOOD = 23.0
"""Worth (see `objective.worth`; 32 dB) above which an output's losses do not count."""


@dataclass(frozen=True)
class Improvement:
    """What came of it: the file, the score of the first start and of the file (mean worth, see `objective.worth`) on unseen samples, and what won."""

    blob: bytes
    before: float
    after: float
    start: str
    """Name of the start that won."""
    fit: str
    """Kind of fit that won; empty: the start as it was."""
    layers: int
    reason: str = ""
    """Why the first start stayed as it was."""


def improve(floating: bytes, starts: Mapping[str, bytes], rows: Sequence[Sequence[Array]], kind: str) -> Improvement:
    """The best of several int8 files of one float file, each as it is and fitted (`bias`, `weights`); the first one where nothing is better.

    `rows` are calibration samples, real-valued and in the files' layout; with fewer than `FEWEST` nothing is tried, nor on a network that
    the runtime or the arithmetic cannot follow.
    """
    name, first = next(iter(starts.items()))
    reason = f"fewer than {FEWEST} calibration samples" if len(rows) < FEWEST else Network.parse(first).obstacle()
    if not reason:
        try:
            return _best(floating, starts, rows, kind)
        except (RuntimeError, ValueError) as error:
            reason = f"the network could not be followed: {error}"
    return Improvement(first, 0.0, 0.0, name, "", 0, reason)


def _best(floating: bytes, starts: Mapping[str, bytes], rows: Sequence[Sequence[Array]], kind: str) -> Improvement:
    name, first = next(iter(starts.items()))
    fitting, judging = share_out(rows)
    objective = Objective.of(floating, judging)
    before = objective.scores(first)
    start = float(np.mean(before))
    best = Improvement(first, start, start, name, "", 0, "nothing was better on the samples kept aside")
    raw = {label: before if blob is first else objective.scores(blob) for label, blob in starts.items()}
    for label, fit, blob, layers in _candidates(floating, _promising(starts, raw), fitting, kind):
        scores = objective.scores(blob) if fit else raw[label]
        after = float(np.mean(scores))
        needed = CERTAIN if fit == "weights" and best.fit != "weights" else 0.0
        if after > max(best.after + needed, start + GAIN) and not is_harmed(before, scores):
            best = Improvement(blob, start, after, label, fit, layers)
    return best


def _promising(starts: Mapping[str, bytes], scores: Mapping[str, Sequence[float]]) -> dict[str, bytes]:
    """The starts that are not clearly behind the best one: fitting brings all of them about the same."""
    best = max(float(np.mean(s)) for s in scores.values())
    return {name: blob for name, blob in starts.items() if float(np.mean(scores[name])) >= best - BEHIND}


def _candidates(
    floating: bytes, starts: Mapping[str, bytes], fitting: Sequence[Sequence[Array]], kind: str
) -> Iterator[tuple[str, str, bytes, int]]:
    for name, blob in starts.items():
        yield name, "", blob, 0
        lesson = Lesson.of(floating, blob, fitting)
        for fit in FITS[kind][: 2 if len(blob) > LARGE else None]:
            editable = Editable.parse(blob)
            layers = reconstruct(lesson, editable, fit)
            if layers:
                yield name, "weights" if fit.weights else "bias", editable.to_bytes(), layers


def is_harmed(before: Sequence[float], after: Sequence[float]) -> bool:
    """Whether some output pays for what the others gain."""
    return any(new < min(old, GOOD) - LOSS for old, new in zip(before, after, strict=True))


def share_out(rows: Sequence[Sequence[Array]]) -> tuple[list[Sequence[Array]], list[Sequence[Array]]]:
    """Samples to fit on and samples to judge on, both spread over all of them: every third one is for fitting, of few every second."""
    if len(rows) < FEWEST:
        return list(rows), []
    every = 3 if len(rows) >= 3 * FITTED else 2
    fitting, judging = list(rows[::every]), [r for i, r in enumerate(rows) if i % every]
    return _spread(fitting, FITTED), _spread(judging, JUDGED)


def _spread(rows: list[Sequence[Array]], most: int) -> list[Sequence[Array]]:
    """At most so many of them, evenly."""
    return rows if len(rows) <= most else [rows[i * len(rows) // most] for i in range(most)]
