"""A yardstick for int8 noise: by how many grey levels must the pixels move until the float model itself loses as much? Standard library only.

Some networks are so sensitive that the float model itself loses what rounding a picture to 8 bits takes: of a text detector ±0.5 grey level
leaves about 15 dB, ±1 about 8 dB (ppocr4-det in docs/explanation/int8-precision.md). Decibels alone then say little about its int8 file.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute.types import Calibration, Finding, OutputFidelity, Preprocess, Severity, Verification
from edgeroute.verify.thresholds import Thresholds

AMPLITUDES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Grey levels of 0..255; a pixel moves by a uniform random number of at most so many, up or down. Rounding to 8 bits is ±0.5."""
PICTURES = 16
STEP = 1.0
"""Grey levels: the smallest step that a pixel can make."""

Level = tuple[float, Mapping[str, float]]
"""An amplitude in grey levels, and the SQNR in dB that it leaves of each output of the float model."""


@dataclass(frozen=True)
class Equivalent:
    """The noise on the pixels that costs the float model as much of an output as int8 does."""

    output: str
    sqnr_db: float
    """What the int8 file keeps on the same pictures."""
    grey_levels: float
    """Amplitude; where `beyond` is not 0, the end of what was tried."""
    beyond: int = 0
    """-1: less than `grey_levels` does it; 1: it takes more."""


def noisy_outputs(measured: Verification, marks: Thresholds) -> dict[str, float]:
    """The judged outputs of an int8 file that stay below the good mark, with their SQNR in dB; none of a file that passed."""
    if measured.kind != "int8" or measured.status not in ("degraded", "failed"):
        return {}
    return {o.name: o.sqnr_db for o in measured.outputs if _is_judged(o) and o.sqnr_db < marks.good_sqnr}


def _is_judged(output: OutputFidelity) -> bool:
    return output.judged and not output.exact and not output.dead_groups


def is_worth_asking(calibration: Calibration, preprocess: Preprocess, from_pictures: bool) -> bool:
    """Whether what a grey level is to the model can be known: real samples, and pictures or arrays whose preprocessing was stated."""
    return not calibration.random and calibration.count > 0 and (from_pictures or preprocess.known)


def next_amplitude(levels: Sequence[Level], targets: Mapping[str, float], amplitudes: Sequence[float] = AMPLITUDES) -> float | None:
    """What to try next: the middle one, then larger ones until every output is below its target in dB, or smaller ones until one is not.

    So the output that stands for the most noise lies between two neighbours; None where that is so, or where the amplitudes end.
    `levels` and `amplitudes` are in ascending order.
    """
    if not levels:
        return amplitudes[len(amplitudes) // 2]
    (smallest, at_smallest), (largest, at_largest) = levels[0], levels[-1]
    if not _all_below(at_largest, targets):
        return next((a for a in amplitudes if a > largest), None)
    return next((a for a in reversed(amplitudes) if a < smallest), None) if _all_below(at_smallest, targets) else None


def _all_below(left: Mapping[str, float], targets: Mapping[str, float]) -> bool:
    return all(left.get(name, -math.inf) < target for name, target in targets.items())


def equivalents(levels: Sequence[Level], targets: Mapping[str, float]) -> list[Equivalent]:
    """For each output with a target, its grey levels; what was not measured is left out."""
    found = []
    for name, target in targets.items():
        curve = [(amplitude, left[name]) for amplitude, left in levels if name in left]
        if curve:
            found.append(_equivalent(name, target, curve))
    return found


def _equivalent(name: str, target: float, curve: Sequence[tuple[float, float]]) -> Equivalent:
    if curve[0][1] < target:
        return Equivalent(name, target, curve[0][0], -1)
    for before, after in itertools.pairwise(curve):
        if after[1] < target:
            return Equivalent(name, target, between(before, after, target))
    return Equivalent(name, target, curve[-1][0], 1)


def between(before: tuple[float, float], after: tuple[float, float], target: float) -> float:
    """The amplitude at which `target` dB are left, of two points (grey levels, dB) around it: dB go straight over the logarithm."""
    share = (before[1] - target) / (before[1] - after[1])
    return float(before[0] * (after[0] / before[0]) ** share)


def finding(found: Sequence[Equivalent], kept: Mapping[str, float]) -> Finding | None:
    """The tip, for the output that stands for the most noise; `kept` are the decibels of its verification, which had more pictures."""
    if not found:
        return None
    most = max(found, key=lambda e: (e.beyond == 1, e.grey_levels, e.beyond, -e.sqnr_db))
    return Finding("noise-in-grey-levels", Severity.TIP, _message(most, kept[most.output]) + _rest(most, found), _remedy(most), most.output)


def _message(one: Equivalent, sqnr_db: float) -> str:
    told = {
        -1: f"less than the float model loses when every pixel moves by up to ±{one.grey_levels:g} grey level, as rounding to 8 bits does",
        0: f"as much as the float model loses when every pixel moves by up to ±{one.grey_levels:.2g} grey levels",
        1: f"more than the float model loses when every pixel moves by up to ±{one.grey_levels:g} grey levels",
    }[one.beyond]
    return f"keeps {sqnr_db:.1f} dB: it lost {told}"


def _rest(most: Equivalent, found: Sequence[Equivalent]) -> str:
    """How many of the other noisy outputs lie beyond what was tried, too, and how many do not."""
    alike = sum(e.beyond == 1 for e in found) - 1 if most.beyond == 1 else 0
    less = len(found) - 1 - alike
    return (f"; so did {alike} more" if alike else "") + (f"; {less} more below the good mark, by no more than that" if less else "")


def _remedy(one: Equivalent) -> str:
    if one.beyond < 1 and one.grey_levels <= STEP:
        return (
            "that is within the smallest step that a pixel can make, and the float model suffers from it alike: count right answers before you"
            " look for more decibels"
        )
    return "that is more than the smallest step that a pixel can make: search longer with --effort max, or give more typical pictures with --calibrate"
