"""Numbers that reports derive."""

from __future__ import annotations

import math

import pytest

from edgeroute.report import facts
from edgeroute.types import to_json
from tests.core.report import sample


def step(*sqnr: float) -> dict[str, object]:
    return {"verification": {"outputs": [{"sqnr_db": v, "max_abs": 1.0} for v in sqnr]}}


def test_loss_shares_are_shares_of_the_final_noise() -> None:
    shares = facts.loss_shares([step(120.0), {"verification": None}, step(33.0103, 50.0), step(30.0)])
    assert shares[0] == pytest.approx(1e-9, rel=1e-3)
    assert shares[1] is None
    assert shares[2] == pytest.approx(0.5, abs=1e-3)
    assert shares[3] == pytest.approx(0.5, abs=1e-3)


def test_exact_steps_lose_nothing() -> None:
    """Their ratio is cut at 200 dB, which is no noise."""
    exact = {"verification": {"outputs": [{"sqnr_db": 200.0, "max_abs": 0.0}]}}
    assert facts.loss_shares([exact, exact]) == [None, None]
    assert facts.loss_shares([exact, step(30.0)]) == [0.0, 1.0]


def test_a_step_that_improves_takes_no_share() -> None:
    assert facts.loss_shares([step(20.0), step(25.0)])[1] == 0.0


def test_exact_outputs_are_exact() -> None:
    outputs = facts.rows(to_json(sample.EXACT))
    assert outputs[0]["sqnr_db"] is None
    assert facts.sqnr_text(outputs) == "exact"
    assert facts.sqnr_text(facts.rows(to_json([sample.output("x", math.nan, math.nan)]))) == "–"


def test_findings_are_told_once_and_by_weight() -> None:
    found = facts.all_findings(to_json(sample.RESULT))
    assert len(found) == len(sample.FINDINGS)
    weights = [(facts.SEVERITIES.index(f["severity"]), -f["cost"]) for f in found]
    assert weights == sorted(weights)


def test_share_on_the_accelerator_counts_macs_or_else_operators() -> None:
    def report(*macs: int) -> dict[str, object]:
        places = ("accelerator", "cpu", "cpu")
        return {"placement": {"operators": [{"runs": p, "macs": m} for p, m in zip(places, macs, strict=True)]}}

    assert facts.on_accelerator(report(30, 10, 0)) == (0.75, "MACs")
    assert facts.on_accelerator(report(0, 0, 0)) == (pytest.approx(1 / 3), "operators")
    assert facts.on_accelerator({}) is None
