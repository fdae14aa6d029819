"""Permutations are recognised as layout, and nothing else is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeroute.verify import layouts

SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


def made(shape: tuple[int, ...], seed: int = 0, samples: int = 2) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape) for _ in range(samples)]


@given(SHAPES, st.randoms(use_true_random=False), st.integers(0, 100))
def test_every_transposition_is_found_and_undone(shape: tuple[int, ...], chance: object, seed: int) -> None:
    orders = list(itertools.permutations(range(len(shape))))
    order = orders[seed % len(orders)]
    references = made(shape, seed)
    found = layouts.find(references, [r.transpose(order) for r in references])
    assert found is not None and not found.scrambled
    if references[0].size > 2:
        assert all(np.array_equal(found.apply(r.transpose(order)), r) for r in references)
    moved = [i for i in order if shape[i] != 1]
    if moved == sorted(moved):
        assert not found.text


@given(hnp.array_shapes(min_dims=1, max_dims=4, max_side=6), st.integers(0, 50))
def test_the_plain_order_wins_under_noise(shape: tuple[int, ...], seed: int) -> None:
    references = made(shape, seed, samples=3)
    noisy = [r + 0.1 * n for r, n in zip(references, made(shape, seed + 1, samples=3), strict=True)]
    found = layouts.find(references, noisy)
    assert found is not None
    if references[0].size > 8:
        assert not found.text and not found.scrambled


def test_square_maps_are_told_apart_by_what_they_hold() -> None:
    references = made((1, 8, 8, 8))
    found = layouts.find(references, [r.transpose(0, 2, 3, 1) + 0.05 for r in references])
    assert found is not None and found.text == "axes 0, 2, 3, 1 of the source's"


@pytest.mark.parametrize("order", [(0, 2, 3, 1), (0, 1, 3, 2), (0, 3, 1, 2)])
def test_flattening_after_a_transposition_is_found(order: tuple[int, ...]) -> None:
    maps = made((1, 6, 4, 5))
    flat = [m.reshape(1, -1) for m in maps]
    found = layouts.find(flat, [m.transpose(order).reshape(1, -1) for m in maps])
    if order == (0, 1, 3, 2):
        return  # three factors: told as noise, because no transposition of two does it
    assert found is not None and found.scrambled
    assert np.array_equal(found.apply(maps[0].transpose(order).reshape(1, -1)), flat[0])


def test_an_unflattened_map_is_read_against_a_flat_one_and_back() -> None:
    maps = made((1, 6, 4, 5))
    flat = [m.reshape(1, -1) for m in maps]
    nhwc = [m.transpose(0, 2, 3, 1) for m in maps]
    for references, others in ((flat, nhwc), (nhwc, flat)):
        found = layouts.find(references, others)
        assert found is not None and np.array_equal(found.apply(others[0]), references[0])


def test_numbers_that_differ_have_no_layout_and_shapes_that_do_not_fit_no_order() -> None:
    found = layouts.find(made((1, 4, 4, 4), 1), made((1, 4, 4, 4), 2))
    assert found is not None and not found.text and not found.scrambled
    assert layouts.find(made((1, 4, 5)), made((1, 4, 6))) is None


def test_usual_orders_come_first() -> None:
    assert layouts.transposes((1, 3, 8, 8), (1, 8, 8, 3))[0] == (0, 2, 3, 1)
    assert layouts.transposes((1, 8, 8, 3), (1, 3, 8, 8))[0] == (0, 3, 1, 2)
    assert layouts.transposes((1, 8, 8, 8), (1, 8, 8, 8))[0] == (0, 1, 2, 3)
    assert layouts.transposes((1, 3, 8), (1, 8, 4)) == []


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=8), elements=st.floats(-1e6, 1e6, width=32)))
def test_correlation_is_between_minus_one_and_one_and_one_with_itself(array: np.ndarray) -> None:
    assert layouts.correlation([array], [array]) == pytest.approx(1.0)
    assert -1.0001 <= layouts.correlation([array], [array[::-1]]) <= 1.0001
