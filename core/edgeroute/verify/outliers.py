"""Samples that drive the float model far beyond what every other sample does: an int8 file can follow one or the other, not both.

Measured on a face detector that was shown a medical phantom among photographs: its scores went to -1933, four times as far as for any other
sample, and that one sample made 3 dB of what is 18 dB without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeroute.types import Finding, Severity

FARTHER = 3.0
"""How many times farther from the middle than any typical sample."""
SHARE = 16
"""One sample in so many may be odd; more of them are what the model is used for."""


@dataclass(frozen=True)
class Odd:
    """One sample that is unlike all others, by the output where that shows most."""

    place: int
    """Its position among the measured samples."""
    output: str
    reach: float
    others: float
    """Largest distance from the output's middle, of this sample and of the typical ones."""


def odd_samples(outputs: Sequence[tuple[str, Sequence[Any]]]) -> list[Odd]:
    """The odd ones among the float model's answers, given by output (name, one array per sample); none where they are too many to be odd.

    Outputs within 0..1 have none: a score of 1 among zeros is what a detector is made for.
    """
    found: dict[int, Odd] = {}
    for name, rows in outputs:
        for odd in _of_output(name, rows):
            known = found.get(odd.place)
            if known is None or odd.reach / odd.others > known.reach / known.others:
                found[odd.place] = odd
    most = max((len(rows) for _, rows in outputs), default=0) // SHARE
    return list(found.values()) if len(found) <= most else []


def _of_output(name: str, rows: Sequence[Any]) -> list[Odd]:
    limits = np.array([[float(np.min(row)), float(np.max(row))] for row in rows if row.dtype.kind == "f" and row.size])
    if len(limits) < max(SHARE, 2) or not np.isfinite(limits).all() or _within_unit(limits):
        return []
    middle = float(np.median(limits.mean(1)))
    reach = np.abs(limits - middle).max(1)
    typical = float(np.sort(reach)[-1 - len(reach) // SHARE])
    return [Odd(int(i), name, float(reach[i]), typical) for i in np.flatnonzero(reach > FARTHER * typical)] if typical > 0 else []


def _within_unit(limits: Any) -> bool:
    return bool(limits.min() >= 0.0 and limits.max() <= 1.0)


def finding(odd: Sequence[Odd], names: Sequence[str]) -> Finding:
    """What the user is told when a file was judged without the odd samples, whose names are given in the same order."""
    worst = max(odd, key=lambda o: o.reach / o.others)
    which = ", ".join(names)
    message = (
        f"judged without {len(odd)} sample(s) that no int8 range serves together with the rest: {which} drives the float model"
        f" {worst.reach / worst.others:.1f} times as far as the others do"
    )
    remedy = "if the camera never sees such a picture, take it out of --calibrate; if it does, add more like it"
    return Finding("odd-sample", Severity.WARNING, message, remedy, worst.output, cost=0.3)
