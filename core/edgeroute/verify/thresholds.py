"""From numbers to a verdict: passed, degraded or failed, with what to type next. Standard library only.

Where the defaults come from (measured on trained models): float conversions differ by 2e-8 to 2.4e-4 of an output's range, a wrong one by
0.667. Full-int8 files of trained models reach 8 to 46 dB; below 8 dB, or below a correlation of 0.9, the output no longer follows the float
model's; above 20 dB, 0.95 and a spread of 0.7 to 1.3 no application was seen to notice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeroute.errors import UsageError
from edgeroute.types import Finding, OutputFidelity, Severity, Verification

SOFT = frozenset({"float-differs", "int8-noise", "int8-uncorrelated", "int8-spread", "values-differ"})
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
    good_top1: float = 0.9
    min_equal: float = 0.5
    """Share of equal values of an integer output in an int8 step; a float step needs 0.999."""


FLOAT_EQUAL = 0.999


def thresholds(limits: Mapping[str, float]) -> Thresholds:
    """The defaults with the user's values; a good mark never asks for more than an outer mark that the user moved."""
    names = [f.name for f in dataclasses.fields(Thresholds)]
    unknown = [n for n in limits if n not in names]
    if unknown:
        raise UsageError(f"unknown threshold {unknown[0]!r}", remedy="known thresholds: " + ", ".join(names))
    marks = dataclasses.replace(Thresholds(), **{n: float(v) for n, v in limits.items()})
    moved: dict[str, float] = {}
    for name in ("relative", "sqnr", "correlation"):
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
    if not output.judged:
        return []
    if output.exact:
        return _unequal(output, kind, marks, converter)
    return _float_breaches(output, marks, converter) if kind != "int8" else _int8_breaches(output, marks, converter)


def _float_breaches(output: OutputFidelity, marks: Thresholds, converter: str) -> list[Finding]:
    severity = _severity(output.relative > marks.max_relative, output.relative > marks.good_relative)
    if severity is None:
        return []
    message = f"differs from the source by up to {output.relative:.2g} of its range ({output.sqnr_db:.0f} dB)"
    remedy = f"take another edge: {_avoid(converter)}; `edgeroute blame` shows the layer; --allow-degraded accepts it"
    return [Finding("float-differs", severity, message, remedy, output.name, cost=min(1.0, output.relative))]


def _int8_breaches(output: OutputFidelity, marks: Thresholds, converter: str) -> list[Finding]:
    found: list[Finding] = []
    cost = min(1.0, max(0.0, 1 - output.correlation))
    better = f"give 100 to 200 typical pictures with --calibrate, search with --effort balanced, or {_avoid(converter)}"
    severity = _severity(output.sqnr_db < marks.min_sqnr, output.sqnr_db < marks.good_sqnr)
    if severity:
        accept = f"; --min-sqnr {max(0, int(output.sqnr_db))} accepts it" if severity == Severity.ERROR else ""
        message = f"quantization noise: {output.sqnr_db:.1f} dB (wanted: {marks.min_sqnr:g}, good: {marks.good_sqnr:g})"
        found.append(Finding("int8-noise", severity, message, better + accept, output.name, cost))
    severity = _severity(output.correlation < marks.min_correlation, output.correlation < marks.good_correlation)
    if severity:
        message = f"follows the float model only with correlation {output.correlation:.2f} (wanted: {marks.min_correlation:g})"
        found.append(Finding("int8-uncorrelated", severity, message, better, output.name, cost))
    found += _spread(output, marks, better)
    if output.top1 is not None and output.top1 < marks.good_top1:
        message = f"picks the same class as the float model in only {output.top1:.0%} of the samples"
        found.append(Finding("int8-noise", Severity.WARNING, message, better, output.name, cost=1 - output.top1))
    return found


def _spread(output: OutputFidelity, marks: Thresholds, better: str) -> list[Finding]:
    outside = not marks.min_spread <= output.spread <= marks.max_spread
    severity = _severity(outside, abs(output.spread - 1) > marks.good_spread)
    if severity is None:
        return []
    message = f"varies {output.spread:.2f} times as much as the float model's (wanted: {marks.min_spread:g} to {marks.max_spread:g})"
    return [Finding("int8-spread", severity, message, better, output.name, cost=min(1.0, abs(1 - output.spread)))]


def _unequal(output: OutputFidelity, kind: str, marks: Thresholds, converter: str) -> list[Finding]:
    equal = output.top1 if output.top1 is not None else 1.0
    wanted = marks.min_equal if kind == "int8" else FLOAT_EQUAL
    severity = _severity(equal < wanted, equal < (marks.good_top1 if kind == "int8" else 1.0))
    if severity is None:
        return []
    message = f"holds integers of which only {equal:.1%} are the source's"
    remedy = f"end the network before this output, and compute it in the application; or {_avoid(converter)}"
    return [Finding("values-differ", severity, message, remedy, output.name, cost=1 - equal)]


def _severity(failed: bool, doubtful: bool) -> Severity | None:
    return Severity.ERROR if failed else Severity.WARNING if doubtful else None


def _avoid(converter: str) -> str:
    return f"--avoid {converter}" if converter else "another converter with --avoid or --via"
