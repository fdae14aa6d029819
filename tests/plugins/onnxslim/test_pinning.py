"""Which shape every input gets: the user's word, the file's, a shared symbol, batch 1; else a question that can be typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import ConverterFailed, UsageError
from edgeroute_plugins.onnxslim.pinning import Dim, Port, resolve


def test_the_user_overrides_what_the_file_says() -> None:
    assert resolve([Port("x", (10, 3, 32, 32))], {"x": (1, 3, 320, 320)}) == {"x": (1, 3, 320, 320)}


def test_an_open_batch_becomes_one() -> None:
    assert resolve([Port("x", ("batch", 3, 24, 24))], {}) == {"x": (1, 3, 24, 24)}


def test_a_baked_in_batch_of_images_becomes_one_but_a_state_keeps_its_layers() -> None:
    assert resolve([Port("x", (10, 3, 8, 8)), Port("h", (2, 1, 64))], {}) == {"x": (1, 3, 8, 8), "h": (2, 1, 64)}


def test_a_symbol_is_settled_by_the_input_that_shares_it() -> None:
    found = resolve([Port("x", ("n", 3, "h", "h")), Port("mask", ("n", "h"))], {"x": (1, 3, 64, 64)})
    assert found["mask"] == (1, 64)


def test_the_empty_name_means_the_only_input() -> None:
    assert resolve([Port("x", (None, 3, None, None))], {"": [1, 3, 8, 9]}) == {"x": (1, 3, 8, 9)}


@pytest.mark.parametrize(
    ("dims", "typed"),
    [
        (("b", 3, "h", "w"), "--input-shape x:1,3,H,W"),
        ((-1, 3, None, None), "--input-shape x:1,3,H,W"),
        ((1, "h", "w", 3), "--input-shape x:1,H,W,3"),
        ((None, None, None, None), "--input-shape x:1,3,H,W"),
        ((1, "frames", 80), "--input-shape x:1,N,80"),
        (None, "--input-shape x:1,3,H,W"),
    ],
)
def test_what_stays_unknown_is_asked_for_as_it_must_be_typed(dims: tuple[Dim, ...] | None, typed: str) -> None:
    with pytest.raises(ConverterFailed) as caught:
        resolve([Port("x", dims)], {})
    assert typed in caught.value.remedy and caught.value.code == "input-shape-needed"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [({"y": (1, 3, 8, 8)}, "unknown-input"), ({"x": (1, 8, 8)}, "input-rank"), ({"x": (1, 3, 0, 8)}, "input-shape")],
)
def test_a_shape_that_cannot_be_meant_is_refused(wanted: dict[str, tuple[int, ...]], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve([Port("x", (1, 3, "h", "w"))], wanted)
    assert (caught.value.code == code and "--input-shape x:" in caught.value.remedy) or code == "unknown-input"


sizes = st.one_of(st.integers(1, 64), st.sampled_from(["n", "h", "w"]), st.none())


@given(st.lists(st.lists(sizes, min_size=1, max_size=5).map(tuple), min_size=1, max_size=3))
def test_a_result_is_positive_and_keeps_rank_or_there_is_a_question(shapes: list[tuple[Dim, ...]]) -> None:
    inputs = [Port(f"input{i}", dims) for i, dims in enumerate(shapes)]
    try:
        found = resolve(inputs, {})
    except ConverterFailed as error:
        assert "--input-shape input" in error.remedy
        return
    for port in inputs:
        assert len(found[port.name]) == len(port.dims or ())
        assert all(d > 0 for d in found[port.name])
