"""Calibration samples find their input, in its layout, one at a time and never one that is held back."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import UsageError
from edgeroute.types import Calibration
from edgeroute_plugins.feeding import Slot, match, samples, turn


def stored(folder: Path, held_back: int = 0, **arrays: np.ndarray) -> Calibration:
    for number, array in enumerate(arrays.values()):
        np.save(folder / f"{number}.npy", array)
    return Calibration(folder, tuple(arrays), count=len(next(iter(arrays.values()))), held_back=held_back)


def test_nchw_samples_are_turned_for_a_channels_last_input(tmp_path: Path) -> None:
    pictures = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    rows = list(samples(stored(tmp_path, image=pictures), [Slot("image", (1, 4, 5, 3), "float32")]))
    assert [r[0].shape for r in rows] == [(1, 4, 5, 3)] * 2
    np.testing.assert_array_equal(rows[1][0][0], pictures[1].transpose(1, 2, 0))


def test_samples_that_fit_stay_as_they_are(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).random((2, 4, 5, 3), dtype=np.float32)
    rows = list(samples(stored(tmp_path, image=pictures), [Slot("other name", (1, 4, 5, 3), "float32")]))
    np.testing.assert_array_equal(rows[0][0][0], pictures[0])


def test_names_decide_where_they_can_and_shapes_where_names_were_lost() -> None:
    slots = [Slot("serving_default_mask:0", (1, 8), "float32"), Slot("args_0", (1, 4, 4, 3), "float32")]
    feeds = match(["image", "mask"], [(3, 4, 4), (8,)], slots)
    assert [f.array for f in feeds] == [1, 0] and feeds[1].axes == (1, 2, 0)


def test_two_inputs_of_one_shape_keep_their_position() -> None:
    slots = [Slot("args_0", (1, 8), "float32"), Slot("args_1", (1, 8), "float32")]
    assert [f.array for f in match(["left", "right"], [(8,), (8,)], slots)] == [0, 1]


def test_held_back_samples_are_seen_for_ranges_only(tmp_path: Path) -> None:
    values = np.arange(10, dtype=np.float32).reshape(10, 1)
    seen = [float(r[0][0, 0]) for r in samples(stored(tmp_path, held_back=4, x=values), [Slot("x", (1, 1), "float32")])]
    assert seen == [0, 1, 2, 3, 4, 5]
    limited = samples(stored(tmp_path, held_back=4, x=values), [Slot("x", (1, 1), "float32")], limit=2)
    assert len(list(limited)) == 2
    ends = samples(stored(tmp_path, held_back=4, x=values), [Slot("x", (1, 1), "float32")], ranges=True)
    assert [float(r[0][0, 0]) for r in ends] == list(range(10))


def test_memory_does_not_grow_with_the_number_of_samples(tmp_path: Path) -> None:
    calibration = stored(tmp_path, x=np.zeros((64, 256, 256), dtype=np.float32))
    tracemalloc.start()
    try:
        for _ in samples(calibration, [Slot("x", (1, 256, 256), "float32")]):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 256 * 256 * 4


def test_types_are_the_inputs(tmp_path: Path) -> None:
    (row,) = samples(stored(tmp_path, x=np.ones((1, 3), dtype=np.int64)), [Slot("x", (1, 3), "float32")])
    assert row[0].dtype == np.float32


@pytest.mark.parametrize("slots", [[Slot("x", (1, 9), "float32")], [Slot("x", (1, 3), "float32"), Slot("y", (1, 3), "float32")]])
def test_what_does_not_fit_is_said_with_both_sides(slots: list[Slot]) -> None:
    with pytest.raises(UsageError) as caught:
        match(["x"], [(3,)], slots)
    assert "x" in caught.value.message and "--calibrate" in caught.value.remedy


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_a_turn_gives_the_wanted_shape(shape: list[int]) -> None:
    assert turn(shape, [1, *shape]) == ()
    axes = turn(shape, [1, *shape[1:], shape[0]])
    if axes:
        assert [shape[a] for a in axes] == [*shape[1:], shape[0]]
