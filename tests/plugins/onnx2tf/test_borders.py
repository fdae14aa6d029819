"""The order of axes that gives an output its shape back."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute_plugins.onnx2tf.borders import permutation


def test_a_detectors_joined_output_gets_its_axes_back() -> None:
    assert permutation((1, 6, 3549), (1, 3549, 6)) == (0, 2, 1)


@pytest.mark.parametrize(
    ("got", "wanted"), [((1, 5), (1, 5)), ((1, 80, 80, 2), (1, 2, 80, 80)), ((1, 10), (1, 10, 1, 1)), ((1, 4), (1, 5))]
)
def test_what_fits_is_an_image_or_cannot_be_mended_stays(got: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    assert permutation(got, wanted) is None


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.randoms())
def test_a_permutation_that_is_found_leads_to_the_wanted_shape(shape: list[int], random: st.randoms) -> None:  # type: ignore[valid-type]
    wanted = random.sample(shape, len(shape))  # type: ignore[attr-defined]
    order = permutation(shape, wanted)
    if order is not None:
        assert [shape[i] for i in order] == wanted and sorted(order) == list(range(len(shape)))
    else:
        channels_last = len(shape) == 4 and [wanted[i] for i in (0, 2, 3, 1)] == shape
        assert shape == wanted or channels_last or wanted not in [list(p) for p in itertools.permutations(shape)]
