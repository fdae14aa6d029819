"""A sample that is unlike all others does not decide over a file that follows the float model on them; nothing else is excused."""

from __future__ import annotations

import numpy as np
import pytest

from edgeroute.verify import outliers

RNG = np.random.default_rng(0)


def rows(count: int = 32, wild: int = -1, factor: float = 10.0) -> list[np.ndarray]:
    made = [RNG.normal(-4, 1, (1, 50, 1)).astype(np.float32) for _ in range(count)]
    if wild >= 0:
        made[wild] = (-4 + (made[wild] + 4) * factor).astype(np.float32)
    return made


def test_the_one_that_reaches_much_farther_is_found() -> None:
    (odd,) = outliers.odd_samples([("scores", rows(wild=7)), ("boxes", rows())])
    assert (odd.place, odd.output) == (7, "scores")
    assert odd.reach > 3 * odd.others


def test_two_times_as_far_is_not_odd() -> None:
    assert outliers.odd_samples([("scores", rows(wild=7, factor=2.0))]) == []


def test_few_samples_have_no_odd_one() -> None:
    assert outliers.odd_samples([("scores", rows(12, wild=3))]) == []


def test_more_than_one_in_sixteen_is_what_the_model_is_for() -> None:
    made = rows()
    for i in (1, 9, 20):
        made[i] = rows(1, 0)[0]
    assert outliers.odd_samples([("scores", made)]) == []


def test_a_score_among_zeros_is_no_odd_one() -> None:
    made = [np.zeros((1, 50), np.float32) + 0.01 for _ in range(32)]
    made[5][0, 3] = 0.99
    assert outliers.odd_samples([("probabilities", made)]) == []


def test_whole_numbers_and_constants_have_none() -> None:
    assert outliers.odd_samples([("classes", [np.full((1, 3), i) for i in range(32)])]) == []
    assert outliers.odd_samples([("still", [np.ones((1, 3), np.float32)] * 32)]) == []


def test_the_finding_names_the_picture_and_what_to_do() -> None:
    told = outliers.finding(outliers.odd_samples([("scores", rows(wild=7))]), ["phantom.jpg"])
    assert (told.code, told.where) == ("odd-sample", "scores")
    assert "phantom.jpg" in told.message
    assert "--calibrate" in told.remedy


@pytest.mark.parametrize("wild", [0, 31])
def test_any_place(wild: int) -> None:
    assert [o.place for o in outliers.odd_samples([("scores", rows(wild=wild))])] == [wild]
