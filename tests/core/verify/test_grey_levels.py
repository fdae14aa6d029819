"""The yardstick in grey levels, without arrays: when it is told, what it says, and where between two amplitudes the answer lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute.types import Calibration, Finding, OutputFidelity, Preprocess, Severity, Verification
from edgeroute.verify import grey_levels
from edgeroute.verify.grey_levels import Equivalent, Level
from edgeroute.verify.thresholds import Thresholds

MARKS = Thresholds()
DETECTOR: list[Level] = [(0.5, {"map": 16.6}), (1.0, {"map": 9.8})]
"""What noise may leave of a text detector."""


def output(name: str, db: float, **fields: object) -> OutputFidelity:
    return OutputFidelity(name, (1,), 0.0, 0.0, db, 1.0, 1.0, 1.0, **fields)  # type: ignore[arg-type]


def verified(*outputs: OutputFidelity, status: str = "degraded", kind: str = "int8") -> Verification:
    return Verification(status, kind, 32, outputs)


def samples(random: bool = False) -> Calibration:
    return Calibration(Path("samples"), ("x",), 40, 13, random)


def test_decibels_go_straight_over_the_logarithm_of_the_amplitude() -> None:
    assert grey_levels.between((1.0, 20.0), (4.0, 8.0), 14.0) == pytest.approx(2.0)
    assert grey_levels.between((1.0, 20.0), (4.0, 8.0), 20.0) == pytest.approx(1.0)
    assert grey_levels.between((1.0, 20.0), (4.0, 8.0), 8.0) == pytest.approx(4.0)


def test_noise_of_six_decibels_an_octave_is_met_exactly_wherever_the_target_lies() -> None:
    levels: list[Level] = [(a, {"y": 40 - 20 * grey_levels.math.log10(a)}) for a in grey_levels.AMPLITUDES]
    for amplitude in (0.7, 1.3, 3.0, 7.5):
        target = 40 - 20 * grey_levels.math.log10(amplitude)
        (found,) = grey_levels.equivalents(levels, {"y": target})
        assert found.grey_levels == pytest.approx(amplitude) and found.beyond == 0


def test_a_sensitive_detector_lost_about_one_grey_level() -> None:
    (found,) = grey_levels.equivalents(DETECTOR, {"map": 10.5})
    assert found.grey_levels == pytest.approx(0.93, abs=0.005)


def test_beyond_what_was_tried_there_is_a_bound_and_no_number() -> None:
    assert grey_levels.equivalents(DETECTOR, {"map": 18.0}) == [Equivalent("map", 18.0, 0.5, -1)]
    assert grey_levels.equivalents(DETECTOR, {"map": 9.0}) == [Equivalent("map", 9.0, 1.0, 1)]
    assert grey_levels.equivalents(DETECTOR, {"other": 9.0}) == [] and grey_levels.equivalents([], {"map": 9.0}) == []


def tried(curves: dict[str, dict[float, float]], targets: dict[str, float]) -> list[float]:
    """The amplitudes in the order in which they are asked for, of a model that keeps so many dB at each."""
    order: list[float] = []
    while (asked := grey_levels.next_amplitude([(a, {n: c[a] for n, c in curves.items()}) for a in sorted(order)], targets)) is not None:
        order.append(asked)
    return order


CURVE = {0.5: 30.0, 1.0: 24.0, 2.0: 18.0, 4.0: 12.0, 8.0: 6.0}


@pytest.mark.parametrize(
    ("target", "order"),
    [
        (33.0, [2.0, 1.0, 0.5]),
        (27.0, [2.0, 1.0, 0.5]),
        (20.0, [2.0, 1.0]),
        (18.0, [2.0, 4.0]),
        (10.0, [2.0, 4.0, 8.0]),
        (3.0, [2.0, 4.0, 8.0]),
    ],
)
def test_as_few_amplitudes_are_tried_as_tell_between_which_two_it_lies(target: float, order: list[float]) -> None:
    assert tried({"y": CURVE}, {"y": target}) == order


def test_the_search_follows_the_output_that_stands_for_the_most_noise() -> None:
    robust = {a: db + 20 for a, db in CURVE.items()}
    assert tried({"y": CURVE, "z": robust}, {"y": 25.0, "z": 30.0}) == [2.0, 4.0, 8.0]
    assert tried({"y": CURVE, "z": robust}, {"y": 33.0, "z": 41.0}) == [2.0, 1.0]
    assert tried({"y": CURVE}, {"y": 20.0, "unmeasured": 1.0}) == [2.0, 1.0], "what is not measured decides nothing"


def test_only_judged_outputs_below_the_good_mark_are_asked_about() -> None:
    dull = (output("n", 0.0, exact=True), output("asleep", 3.0, judged=False), output("dead", 3.0, dead_groups=("dead (constant)",)))
    assert grey_levels.noisy_outputs(verified(output("a", 12.0), output("b", 20.0), *dull), MARKS) == {"a": 12.0}
    assert grey_levels.noisy_outputs(verified(output("a", 5.0), status="failed"), MARKS) == {"a": 5.0}


def test_a_good_file_a_float_file_and_an_unmeasured_one_are_not_asked_about() -> None:
    assert grey_levels.noisy_outputs(verified(output("a", 25.0), status="passed"), MARKS) == {}
    assert grey_levels.noisy_outputs(verified(output("a", 25.0)), MARKS) == {}, "degraded over something else than decibels"
    assert grey_levels.noisy_outputs(verified(output("a", 12.0), kind="float"), MARKS) == {}
    assert grey_levels.noisy_outputs(verified(output("a", 12.0), status="unmeasured"), MARKS) == {}


def test_real_samples_of_a_known_scale_are_needed() -> None:
    known, unknown = Preprocess(known=True), Preprocess()
    assert grey_levels.is_worth_asking(samples(), unknown, from_pictures=True)
    assert grey_levels.is_worth_asking(samples(), known, from_pictures=False)
    assert not grey_levels.is_worth_asking(samples(), unknown, from_pictures=False)
    assert not grey_levels.is_worth_asking(samples(random=True), known, from_pictures=True)


def tip_of(*found: Equivalent) -> Finding:
    tip = grey_levels.finding(found, {e.output: e.sqnr_db + 0.5 for e in found})
    assert tip is not None
    return tip


def test_the_tip_names_the_output_that_stands_for_the_most_noise() -> None:
    found = [Equivalent("boxes", 11.2, 1.3), Equivalent("scores", 15.0, 3.4), Equivalent("third", 9.0, 2.0, -1)]
    tip = tip_of(*found)
    assert (tip.code, tip.severity, tip.where) == ("noise-in-grey-levels", Severity.TIP, "scores")
    assert "keeps 15.5 dB" in tip.message, "the decibels are those of the verification"
    assert "±3.4 grey levels; 2 more" in tip.message and "--effort max" in tip.remedy
    endless = tip_of(*found, Equivalent("worst", 18.0, 8.0, 1))
    assert endless.where == "worst" and "more than the float model loses" in endless.message
    assert "so did" not in endless.message and "; 3 more below the good mark, by no more than that" in endless.message
    two = tip_of(Equivalent("a", 3.0, 8.0, 1), Equivalent("b", 2.0, 8.0, 1), Equivalent("c", 2.0, 5.0))
    assert two.where == "b" and "; so did 1 more; 1 more below" in two.message


@pytest.mark.parametrize(("one", "says"), [(Equivalent("y", 11.2, 0.8), "as much as"), (Equivalent("y", 18.0, 0.5, -1), "less than")])
def test_what_stays_within_a_step_of_a_pixel_is_no_reason_to_search_on(one: Equivalent, says: str) -> None:
    tip = tip_of(one)
    assert says in tip.message and "right answers" in tip.remedy and "--effort" not in tip.remedy


def test_nothing_measured_is_nothing_said() -> None:
    assert grey_levels.finding([], {"y": 12.0}) is None
