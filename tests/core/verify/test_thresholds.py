"""From numbers to passed, degraded or failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import UsageError
from edgeroute.types import Finding, OutputFidelity, Severity, Verification
from edgeroute.verify import thresholds
from edgeroute.verify.thresholds import judge

GOOD = OutputFidelity("out", (1, 10), 0.0, 0.0, 40.0, 1.0, 1.0, 1.0)


def verdict(kind: str, limits: dict[str, float] | None = None, **numbers: object) -> Verification:
    return judge(Verification("passed", kind, 4, (replace(GOOD, **numbers),)), kind, limits or {}, "tool")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "numbers", "status"),
    [
        ("float", {"relative": 2e-8}, "passed"),
        ("float", {"relative": 2.4e-4}, "degraded"),
        ("float", {"relative": 0.667}, "failed"),
        ("float", {"sqnr_db": 3.0}, "passed"),
        ("int8", {"relative": 0.5}, "passed"),
        ("int8", {"sqnr_db": 14.0}, "degraded"),
        ("int8", {"sqnr_db": 7.5}, "failed"),
        ("int8", {"correlation": 0.93}, "degraded"),
        ("int8", {"correlation": 0.76}, "failed"),
        ("int8", {"spread": 0.6}, "degraded"),
        ("int8", {"spread": 0.45}, "failed"),
        ("int8", {"spread": 1.6}, "failed"),
        ("int8", {"top1": 0.8}, "degraded"),
        ("int8", {"sqnr_db": -5.0, "judged": False}, "passed"),
        ("int8", {"exact": True, "top1": 0.95, "sqnr_db": 0.0}, "passed"),
        ("int8", {"exact": True, "top1": 0.3}, "failed"),
        ("float", {"exact": True, "top1": 0.99}, "failed"),
    ],
)
def test_default_marks(kind: str, numbers: dict[str, object], status: str) -> None:
    assert verdict(kind, **numbers).status == status


def test_findings_tell_numbers_marks_and_what_to_type() -> None:
    found = verdict("int8", sqnr_db=5.4, correlation=0.97).findings
    assert len(found) == 1 and found[0].where == "out" and "5.4 dB" in found[0].message
    for word in ("--calibrate", "--effort", "--avoid tool", "--min-sqnr 5"):
        assert word in found[0].remedy
    assert "--allow-degraded" in verdict("int8", sqnr_db=5.4, correlation=0.2).findings[0].remedy


def test_the_users_marks_move_both_ways() -> None:
    assert verdict("int8", {"min_sqnr": 5}, sqnr_db=5.4, correlation=0.86).status == "passed"
    assert verdict("int8", {"min_sqnr": 25}, sqnr_db=24.0).status == "failed"
    assert verdict("int8", {"min_sqnr": 25}, sqnr_db=26.0).status == "passed"
    assert verdict("float", {"max_relative": 1.0}, relative=0.667).status == "passed"
    with pytest.raises(UsageError, match="unknown threshold 'min_snr'"):
        verdict("int8", {"min_snr": 1})


def test_a_classifier_that_decides_otherwise_is_told_and_fails_where_that_was_asked() -> None:
    found = verdict("int8", top1=0.6)
    assert (found.status, found.findings[0].code) == ("degraded", "int8-decides")
    strict = verdict("int8", {"min_top1": 0.95}, top1=0.9)
    assert strict.status == "failed" and "--threshold min_top1=0.9" in strict.findings[0].remedy
    assert verdict("int8", {"min_top1": 0.6}, top1=0.65).status == "passed"


def test_a_dead_group_fails_whatever_the_numbers_say_and_is_final() -> None:
    dead = Finding("dead-group", Severity.ERROR, "is dead", "split it", "out", cost=1.0)
    answer = judge(Verification("passed", "int8", 4, (GOOD,), (dead,)), "int8", {"min_sqnr": -100.0})
    assert answer.status == "failed" and thresholds.is_final(answer)
    assert not thresholds.is_final(verdict("int8", sqnr_db=1.0)), "a number, however bad, is the user's to accept"


def test_warnings_that_are_no_breach_do_not_degrade() -> None:
    coarse = Finding("coarse-group", Severity.WARNING, "few steps", "split it", "out")
    assert judge(Verification("passed", "int8", 4, (GOOD,), (coarse,)), "int8").status == "passed"


def test_nothing_measured_stays_unmeasured() -> None:
    assert judge(Verification("unmeasured", "int8"), "int8").status == "unmeasured"


@given(
    st.sampled_from(["float", "int8"]),
    st.floats(0, 2),
    st.floats(-200, 200),
    st.floats(-1, 1),
    st.floats(0, 3),
    st.one_of(st.none(), st.floats(0, 1)),
    st.booleans(),
)
def test_judging_twice_is_judging_once_and_bad_news_always_has_a_finding(
    kind: str, relative: float, db: float, correlation: float, spread: float, top1: float | None, exact: bool
) -> None:
    output = replace(GOOD, relative=relative, sqnr_db=db, correlation=correlation, spread=spread, top1=top1, exact=exact)
    once = judge(Verification("passed", kind, 4, (output,)), kind)
    assert judge(once, kind) == once
    assert (once.status == "passed") == (not once.findings)
    assert (once.status == "failed") == any(f.severity == Severity.ERROR for f in once.findings)
