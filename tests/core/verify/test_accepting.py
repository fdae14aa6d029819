"""What a remedy says accepts an output does accept it."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgeroute.errors import UsageError
from edgeroute.runner.request import parse_thresholds
from edgeroute.types import OutputFidelity, Severity, Verification
from edgeroute.verify.thresholds import judge


def judged(kind: str, limits: dict[str, float], **numbers: object) -> Verification:
    values: dict[str, object] = {
        "max_abs": 0.0, "relative": 0.0, "sqnr_db": 60.0, "cosine": 1.0, "correlation": 1.0, "spread": 1.0, **numbers
    }  # fmt: skip
    output = OutputFidelity(name="y", shape=(1, 4), **values)  # type: ignore[arg-type]
    return judge(Verification("passed", kind, outputs=(output,)), kind, limits)


def accepted(verification: Verification) -> dict[str, float]:
    """The marks that the remedies of a failed verification name, read as the command line reads them."""
    text = " ".join(f.remedy for f in verification.findings if f.severity == Severity.ERROR)
    sqnr = re.search(r"--min-sqnr (\S+)", text)
    return parse_thresholds(re.findall(r"--threshold (\S+)", text), float(sqnr[1]) if sqnr else None)


@given(st.floats(-20, 40), st.floats(-1, 1), st.floats(0, 5))
def test_an_int8_output(sqnr: float, correlation: float, spread: float) -> None:
    numbers = {"sqnr_db": sqnr, "correlation": correlation, "spread": spread}
    first = judged("int8", {}, **numbers)
    assume(first.status == "failed")
    assert judged("int8", accepted(first), **numbers).status in ("degraded", "passed")


@given(st.floats(1.01e-3, 1e6))
def test_a_float_output(relative: float) -> None:
    first = judged("float", {}, relative=relative)
    assert first.status == "failed"
    assert judged("float", accepted(first), relative=relative).status in ("degraded", "passed")


@given(st.floats(0, 0.49))
def test_an_integer_output_of_an_int8_step(equal: float) -> None:
    first = judged("int8", {}, exact=True, top1=equal)
    assert first.status == "failed"
    assert judged("int8", accepted(first), exact=True, top1=equal).status in ("degraded", "passed")


def test_marks_are_read_with_dashes_too() -> None:
    assert parse_thresholds(["min-correlation=0.8", "max_relative=1e-2"], 6.0) == {
        "min_sqnr": 6.0,
        "min_correlation": 0.8,
        "max_relative": 0.01,
    }


@pytest.mark.parametrize("text", ["min_correlation", "min_correlation=much", "=1", "min_corelation=1"])
def test_a_slip_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_thresholds([text])
    assert "min_correlation" in caught.value.remedy
