"""Which input and output is which: by name, by shape, by what they compute."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.verify import pairing
from edgeroute.verify.pairing import plain_name
from tests.core.verify.fakes import floats

Array = np.ndarray


def samples(*shapes: tuple[int, ...], seed: int = 0, count: int = 2) -> list[list[Array]]:
    generator = np.random.default_rng(seed)
    return [[generator.standard_normal(s) for _ in range(count)] for s in shapes]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("serving_default_input.1:0", "input_1"),
        ("/head/Concat", "head_concat"),
        ("StatefulPartitionedCall:0", ""),
        ("x", "x"),
        ("images", "images"),
    ],
)
def test_names_without_what_converters_add(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(st.permutations(range(4)), st.booleans(), st.integers(0, 100))
def test_outputs_find_their_own_whatever_their_order(order: list[int], named: bool, seed: int) -> None:
    shapes = [(1, 6), (1, 4, 5), (1, 6), (1, 2, 4, 3)]
    references = samples(*shapes, seed=seed)
    names = ["a", "b", "c", "d"]
    values = [[r + 0.01 for r in references[i]] for i in order]
    tensors = [floats(names[i] if named else f"Identity_{j}", *shapes[i]) for j, i in enumerate(order)]
    pairs = pairing.outputs(tensors, references, names, values)
    assert {(p.output, p.reference) for p in pairs} == {(j, i) for j, i in enumerate(order)}
    assert all(not p.layout.text for p in pairs)


def test_a_name_is_believed_under_noise_and_not_against_the_numbers() -> None:
    references = samples((1, 50), (1, 50))
    tensors = [floats("a", 1, 50), floats("b", 1, 50)]
    noisy = [[x + 0.5 * n for x, n in zip(r, s, strict=True)] for r, s in zip(references, samples((1, 50), (1, 50), seed=9), strict=True)]
    assert [(p.output, p.reference) for p in pairing.outputs(tensors, references, ["a", "b"], noisy)] == [(0, 0), (1, 1)]
    swapped = noisy[::-1]
    assert [(p.output, p.reference) for p in pairing.outputs(tensors, references, ["a", "b"], swapped)] == [(1, 0), (0, 1)]
    garbage = samples((1, 50), (1, 50), seed=77)
    assert [(p.output, p.reference) for p in pairing.outputs(tensors, references, ["a", "b"], garbage)] == [(0, 0), (1, 1)]


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(1, 2), st.randoms(use_true_random=False))
def test_parts_of_a_concat_are_paired_with_their_slices(sizes: list[int], axis: int, chance: object) -> None:
    shape = [1, 7, 7]
    shape[axis] = sum(sizes)
    (whole,) = samples(tuple(shape), seed=sum(sizes), count=3)
    cuts = np.cumsum(sizes)[:-1]
    parts = [list(p) for p in zip(*(np.split(w, cuts, axis) for w in whole), strict=True)]
    order = sorted(range(len(parts)), key=lambda i: (i * 7) % 5)
    values = [parts[i] for i in order]
    tensors = [floats(f"part{i}", *values[j][0].shape) for j, i in enumerate(order)]
    pairs = pairing.outputs(tensors, [whole], ["head"], values)
    assert sorted(p.cut for p in pairs if p.cut)[0][1] == 0 and len(pairs) == len(parts)
    for pair in pairs:
        assert np.array_equal(pair.layout.apply(values[pair.output][0]), pair.of(whole[0]))


def test_what_fits_no_shape_stays_unpaired() -> None:
    references = samples((1, 6), (1, 7))
    assert [p.reference for p in pairing.outputs([floats("x", 1, 6)], references, ["p", "q"], samples((1, 6)))] == [0]


@pytest.mark.parametrize(
    ("source", "wanted", "order"),
    [
        ((1, 3, 8, 12), (1, 8, 12, 3), (0, 2, 3, 1)),
        ((1, 8, 12, 3), (1, 3, 8, 12), (0, 3, 1, 2)),
        ((1, 8, 8, 3), (1, 8, 3, 8), (0, 2, 3, 1)),
        ((1, 8, 6, 3), (1, 8, 3, 6), (0, 1, 3, 2)),
        ((1, 40, 9), (1, 9, 40), (0, 2, 1)),
        ((1, 3, 8, 8), (1, 3, 8, 8), (0, 1, 2, 3)),
    ],
)
def test_inputs_are_fed_in_the_files_order_of_axes(source: tuple[int, ...], wanted: tuple[int, ...], order: tuple[int, ...]) -> None:
    first = next(pairing.feeds([floats("x", *source)], [floats("y", *wanted)]))
    assert first[0].order == order
    value = np.arange(np.prod(source)).reshape(source)
    assert first[0].apply(value).shape == wanted


def test_inputs_without_their_batch_axis_or_with_an_open_one_fit() -> None:
    (way,) = itertools.islice(pairing.feeds([floats("x", 1, 16000)], [floats("y", 16000)]), 1)
    assert way[0].order is None and way[0].apply(np.zeros((1, 16000))).shape == (16000,)
    (way,) = itertools.islice(pairing.feeds([floats("x", 1, 3, 8, 8)], [floats("y", None, 3, None, None)]), 1)
    assert way[0].shape == (1, 3, 8, 8)
    assert not list(pairing.feeds([floats("x", 1, 3, 8, 8)], [floats("y", 1, 3, 8, 9)]))


def test_names_decide_between_inputs_of_one_shape() -> None:
    sources, wanted = [floats("left", 1, 4), floats("right", 1, 4)], [floats("serving_default_right:0", 1, 4), floats("left", 1, 4)]
    assert [f.source for f in next(pairing.feeds(sources, wanted))] == [1, 0]
    assert [f.source for f in next(pairing.feeds(sources, [floats("p", 1, 4), floats("q", 1, 4)]))] == [0, 1]
