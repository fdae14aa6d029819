"""From numbers to a verdict: passed, degraded or failed, with what to type next. Standard library only.

Where the defaults come from (measured on trained models): float conversions differ by 2e-8 to 2.4e-4 of an output's range, a wrong one by
0.667. Full-int8 files of trained models reach 8 to 46 dB; below 8 dB, or below a correlation of 0.9, the output no longer follows the float
model's; above 20 dB, 0.95 and a spread of 0.7 to 1.3 no application was seen to notice.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeroute.errors import UsageError
from edgeroute.types import Finding, OutputFidelity, Severity, Verification

SOFT = frozenset({"float-differs", "int8-noise", "int8-uncorrelated", "int8-spread", "int8-decides", "values-differ"})
"""Codes of measured breaches, which a user may choose to live with (`--allow-degraded`); every other error is final."""
RANDOM_DATA = "random-data"
"""With this finding an int8 file is not failed over numbers: nobody knows what they would be on pictures."""


@dataclass(frozen=True)
class Thresholds:
    """Marks of one kind of step: beyond the outer one an output fails, between the two it is degraded."""

    max_relative: float = 1e-3
    """Largest difference over the reference's range, float steps only."""
    good_relative: float = 1e-4
    min_sqnr: float = 8.0
    """dB, int8 steps only, like all that follow."""
    good_sqnr: float = 20.0
    min_correlation: float = 0.9
    good_correlation: float = 0.95
    min_spread: float = 0.5
    max_spread: float = 1.5
    good_spread: float = 0.3
    """How far the spread may be from 1."""
    min_top1: float = 0.0
    """Share of the samples in which the largest entry is the same; nobody knows whether a vector is a class or a position, so none fails."""
    good_top1: float = 0.9
    min_equal: float = 0.5
    """Share of equal values of an integer output in an int8 step; a float step needs 0.999."""


FLOAT_EQUAL = 0.999


def thresholds(limits: Mapping[str, float]) -> Thresholds:
    """The defaults with the user's values.

    A good mark never asks for more than an outer mark that the user moved, nor does the correlation: an output of s dB around its mean
    correlates with at least √(1 - 10^(-s/10)).
    """
    names = [f.name for f in dataclasses.fields(Thresholds)]
    unknown = [n for n in limits if n not in names]
    if unknown:
        raise UsageError(f"unknown threshold {unknown[0]!r}", remedy="known thresholds: " + ", ".join(names))
    marks = dataclasses.replace(Thresholds(), **{n: float(v) for n, v in limits.items()})
    moved: dict[str, float] = {}
    if "min_sqnr" in limits and "min_correlation" not in limits:
        implied = math.sqrt(max(0.0, 1 - 10 ** (-marks.min_sqnr / 10)))
        moved["min_correlation"] = min(marks.min_correlation, implied)
        moved["good_correlation"] = min(marks.good_correlation, implied)
    for name in ("relative", "sqnr", "correlation", "top1"):
        outer = "max_relative" if name == "relative" else f"min_{name}"
        if outer in limits and f"good_{name}" not in limits:
            moved[f"good_{name}"] = limits[outer]
    return dataclasses.replace(marks, **moved)


def judge(measured: Verification, kind: str, limits: Mapping[str, float] | None = None, converter: str = "") -> Verification:
    """Set status and findings from the measured outputs; judging again, with other limits, is allowed.

    What `measure` itself found (dead groups, NaN, shapes) stays and outweighs numbers. Raises UsageError for an unknown limit.
    """
    if measured.status == "unmeasured":
        return measured
    marks = thresholds(limits or {})
    kept = [f for f in measured.findings if f.code not in SOFT]
    breaches = [b for o in measured.outputs for b in _breaches(o, kind, marks, converter)]
    if any(f.code == RANDOM_DATA for f in kept):
        breaches = [dataclasses.replace(b, severity=Severity.WARNING) for b in breaches]
    found = _ordered([*kept, *breaches])
    broken = {f.severity for f in found if f.code in SOFT or f.severity == Severity.ERROR}
    status = "failed" if Severity.ERROR in broken else "degraded" if Severity.WARNING in broken else "passed"
    return dataclasses.replace(measured, status=status, kind=kind, findings=tuple(found))


def is_final(verification: Verification) -> bool:
    """Whether it failed over something that no flag excuses: a file that does not load, wrong shapes, NaN, dead groups."""
    return any(f.severity == Severity.ERROR and f.code not in SOFT for f in verification.findings)


def failed(code: str, message: str, remedy: str, where: str = "", kind: str = "float") -> Verification:
    """The verification of a file that could not be measured at all."""
    return Verification("failed", kind, findings=(Finding(code, Severity.ERROR, message, remedy, where, cost=1.0),))


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (f.severity.rank, -f.cost))


def _breaches(output: OutputFidelity, kind: str, marks: Thresholds, converter: str) -> list[Finding]:
    is_dead = any(d.startswith(f"{output.name} (") for d in output.dead_groups)
    if not output.judged or is_dead:
        return []
    if output.exact:
        return _unequal(output, kind, marks, converter)
    return _float_breaches(output, marks, converter) if kind != "int8" else _int8_breaches(output, marks, converter)


def _float_breaches(output: OutputFidelity, marks: Thresholds, converter: str) -> list[Finding]:
    severity = _severity(output.relative > marks.max_relative, output.relative > marks.good_relative)
    if severity is None:
        return []
    message = f"differs from the source by up to {output.relative:.2g} of its range ({output.sqnr_db:.0f} dB)"
    accept = f"--threshold max_relative={_above(output.relative)}"
    remedy = f"take another edge: {_avoid(converter)}; `edgeroute blame` shows the layer; {accept} or --allow-degraded accepts it"
    return [Finding("float-differs", severity, message, remedy, output.name, cost=min(1.0, output.relative))]


def _int8_breaches(output: OutputFidelity, marks: Thresholds, converter: str) -> list[Finding]:
    """One finding for all numbers of an output; the code is that of the heaviest breach."""
    heavy: list[str] = []
    light: list[str] = []
    off = abs(output.spread - 1)
    _sort("int8-noise", output.sqnr_db < marks.min_sqnr, output.sqnr_db < marks.good_sqnr, heavy, light)
    _sort("int8-uncorrelated", output.correlation < marks.min_correlation, output.correlation < marks.good_correlation, heavy, light)
    _sort("int8-spread", not marks.min_spread <= output.spread <= marks.max_spread, off > marks.good_spread, heavy, light)
    if output.top1 is not None:
        _sort("int8-decides", output.top1 < marks.min_top1, output.top1 < marks.good_top1, heavy, light)
    if not heavy and not light:
        return []
    remedy = f"give 100 to 200 typical pictures with --calibrate, search longer with --effort max, or {_avoid(converter)}"
    remedy += f"; {_accepting(output, heavy)} or --allow-degraded accepts it as it is" if heavy else ""
    severity = Severity.ERROR if heavy else Severity.WARNING
    cost = min(1.0, max(0.0, 1 - output.correlation, off / 2))
    return [Finding((heavy or light)[0], severity, _numbers(output, marks), remedy, output.name, cost)]


def _accepting(output: OutputFidelity, heavy: Iterable[str]) -> str:
    """The options that move the broken marks as far as this output needs."""
    decibels = math.floor(output.sqnr_db)
    spread = f"max_spread={_above(output.spread)}" if output.spread > 1 else f"min_spread={math.floor(output.spread * 100) / 100:g}"
    options = {
        "int8-noise": f"--min-sqnr {decibels}" if decibels >= 0 else f"--threshold min_sqnr={decibels}",
        "int8-uncorrelated": f"--threshold min_correlation={math.floor(output.correlation * 100) / 100:g}",
        "int8-spread": f"--threshold {spread}",
        "int8-decides": f"--threshold min_top1={math.floor((output.top1 or 0.0) * 100) / 100:g}",
    }
    return " ".join(options[code] for code in dict.fromkeys(heavy))


def _above(value: float) -> str:
    """A number of two digits that is not smaller; a value without end gives `inf`."""
    if not math.isfinite(value) or value <= 0:
        return f"{value:g}"
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / unit) * unit:.2g}"


def _sort(code: str, failed: bool, doubtful: bool, heavy: list[str], light: list[str]) -> None:
    if failed or doubtful:
        (heavy if failed else light).append(code)


def _numbers(output: OutputFidelity, marks: Thresholds) -> str:
    agreement = "" if output.top1 is None else f", the same class in {output.top1:.0%} of the samples"
    measured = f"{output.sqnr_db:.1f} dB, correlation {output.correlation:.2f}, spread {output.spread:.2f}{agreement}"
    good = f"good: {marks.good_sqnr:g} dB, {marks.good_correlation:g}, 1 ± {marks.good_spread:g}"
    least = f"least: {marks.min_sqnr:g} dB, {marks.min_correlation:.2g}, {marks.min_spread:g} to {marks.max_spread:g}"
    return f"follows the float model with {measured} ({least}; {good})"


def _unequal(output: OutputFidelity, kind: str, marks: Thresholds, converter: str) -> list[Finding]:
    equal = output.top1 if output.top1 is not None else 1.0
    wanted = marks.min_equal if kind == "int8" else FLOAT_EQUAL
    severity = _severity(equal < wanted, equal < (marks.good_top1 if kind == "int8" else 1.0))
    if severity is None:
        return []
    message = f"holds integers of which only {equal:.1%} are the source's"
    remedy = f"end the network before this output, and compute it in the application; or {_avoid(converter)}"
    accept = f"--threshold min_equal={math.floor(equal * 100) / 100:g} or " if kind == "int8" else ""
    remedy += f"; {accept}--allow-degraded accepts it as it is" if severity == Severity.ERROR else ""
    return [Finding("values-differ", severity, message, remedy, output.name, cost=1 - equal)]


def _severity(failed: bool, doubtful: bool) -> Severity | None:
    return Severity.ERROR if failed else Severity.WARNING if doubtful else None


def _avoid(converter: str) -> str:
    return f"--avoid {converter}" if converter else "another converter with --avoid or --via"
