"""The streamed numbers are the textbook's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeroute.verify import compare
from edgeroute.verify.compare import Comparison
from edgeroute.verify.profile import channel_axes, profile

Array = np.ndarray


def compared(rows: list[Array], others: list[Array], limits: tuple[float, float] | None = None) -> Comparison:
    comparison = Comparison("out", profile(rows), limits)
    for r, a in zip(rows, others, strict=True):
        comparison.add(r, a)
    return comparison


@given(hnp.array_shapes(min_dims=1, max_dims=4, max_side=5), st.integers(1, 4), st.integers(0, 1000), st.floats(-100, 100), st.floats(0, 1))
def test_streaming_equals_computing_at_once(shape: tuple[int, ...], samples: int, seed: int, offset: float, noise: float) -> None:
    generator = np.random.default_rng(seed)
    rows = [(generator.standard_normal((1, *shape)) + offset).astype(np.float32) for _ in range(samples)]
    others = [(r + noise * generator.standard_normal(r.shape)).astype(np.float32) for r in rows]
    got = compared(rows, others).fidelity()
    r, a = np.array(rows, np.float64).ravel(), np.array(others, np.float64).ravel()
    d = a - r
    assert got.max_abs == pytest.approx(np.abs(d).max(), abs=1e-12)
    assert got.sqnr_db == pytest.approx(compare.decibels(r @ r, d @ d), abs=1e-6)
    assert got.cosine == pytest.approx(r @ a / np.sqrt((r @ r) * (a @ a)), abs=1e-9)
    if r.size > 3 and r.std() > 1e-3 and a.std() > 1e-3:
        assert got.correlation == pytest.approx(np.corrcoef(r, a)[0, 1], abs=1e-6)
        assert got.spread == pytest.approx(a.std() / r.std(), rel=1e-6)


@given(hnp.array_shapes(min_dims=2, max_dims=4, max_side=5), st.integers(0, 1000))
def test_a_part_is_what_the_slice_alone_would_be(shape: tuple[int, ...], seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = [generator.standard_normal((1, *shape)) * np.linspace(1, 50, shape[-1]) for _ in range(2)]
    others = [r + 0.1 * generator.standard_normal(r.shape) for r in rows]
    whole = compared(rows, others)
    axis = whole.profile.groups[-1].axis
    stop = (rows[0].shape[axis] + 1) // 2
    cut = (slice(None),) * axis + (slice(0, stop),)
    part, alone = whole.part(axis, 0, stop), compared([r[cut] for r in rows], [a[cut] for a in others]).fidelity()
    for field in ("max_abs", "relative", "sqnr_db", "cosine", "correlation", "spread", "shape"):
        assert getattr(part, field) == pytest.approx(getattr(alone, field), rel=1e-6, abs=1e-6)


def test_identical_is_two_hundred_decibels_and_silence_is_none() -> None:
    assert compared([np.ones((1, 4))], [np.ones((1, 4))]).fidelity().sqnr_db == 200.0
    silent = compared([np.zeros((1, 4))], [np.ones((1, 4))]).fidelity()
    assert silent.sqnr_db == -200.0 and silent.relative == 1.0


def test_a_constant_output_is_compared_by_its_value() -> None:
    rows = [np.full((1, 4), 5.0) for _ in range(3)]
    same = compared(rows, [r + 1e-6 for r in rows]).fidelity()
    assert same.correlation == same.spread == 1.0 and same.relative < 1e-4
    assert (
        compared(rows, [r * 2 for r in rows]).fidelity().correlation == 0.0 or compared(rows, [r * 2 for r in rows]).fidelity().relative > 1
    )


def test_values_that_are_not_finite_are_counted_where_the_reference_is() -> None:
    rows = [np.array([[1.0, 2.0, np.inf, 4.0]])]
    comparison = compared(rows, [np.array([[1.0, np.nan, np.inf, -np.inf]])])
    assert comparison.broken == 2 and comparison.fidelity().sqnr_db > 0


def test_top1_is_for_classifiers() -> None:
    generator = np.random.default_rng(0)
    logits = [generator.standard_normal((1, 10)) for _ in range(8)]
    flipped = [x if i % 2 else -x for i, x in enumerate(logits)]
    assert compared(logits, flipped).fidelity().top1 == 0.5
    units = [x / np.linalg.norm(x) for x in logits]
    assert compared(units, units).fidelity().top1 is None, "an embedding"
    assert compared([x[:, :, None] for x in logits], [x[:, :, None] for x in logits]).fidelity().top1 is None, "positions"


def test_top1_counts_every_position_of_a_sequence_and_ties() -> None:
    logits = np.random.default_rng(0).standard_normal((1, 6, 12)) * 3
    probabilities = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    other = probabilities.copy()
    other[0, 0] = other[0, 0, ::-1]
    assert compared([probabilities], [other]).fidelity().top1 == pytest.approx(5 / 6)
    tied = np.array([[0.5, 0.5, 0.0]])
    assert compared([tied], [np.array([[0.4, 0.6, 0.0]])]).fidelity().top1 == 1.0


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((1, 10), [1]),
        ((1, 24, 2100), [1, 2]),
        ((1, 896, 1), [2]),
        ((1, 5, 80, 80), [1]),
        ((1, 80, 80, 5), [3]),
        ((1, 40, 6625), [1, 2]),
        ((1, 3, 85, 20, 20), [1, 4]),
        ((1, 1, 80, 80), [1]),
        ((7,), [0]),
        ((), [0]),
    ],
)
def test_axes_that_may_count_channels(shape: tuple[int, ...], axes: list[int]) -> None:
    assert channel_axes(shape) == axes
