"""Constants that leave their zeros out come back whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute_plugins.tflite.sparse import expand


def dense(size: int) -> Any:
    return SimpleNamespace(format=0, denseSize=size, arraySegments=None, arrayIndices=None)


def listed(segments: list[int], indices: list[int]) -> Any:
    return SimpleNamespace(
        format=1, denseSize=0, arraySegments=SimpleNamespace(values=segments), arrayIndices=SimpleNamespace(values=indices)
    )


def described(order: list[int], levels: list[Any], blocks: list[int] | None = None) -> Any:
    return SimpleNamespace(traversalOrder=order, blockMap=blocks, dimMetadata=levels)


def test_rows_that_list_their_columns() -> None:
    rows = described([0, 1], [dense(3), listed([0, 2, 2, 3], [0, 3, 1])])
    assert expand(rows, np.float32([1, 2, 3]), (3, 4)).tolist() == [[1, 0, 0, 2], [0, 0, 0, 0], [0, 3, 0, 0]]


def test_the_last_dimension_may_come_first() -> None:
    columns = described([1, 0], [dense(2), listed([0, 1, 3], [2, 0, 1])])
    assert expand(columns, np.float32([1, 2, 3]), (3, 2)).tolist() == [[0, 2], [0, 3], [1, 0]]


def test_whole_blocks_are_stored() -> None:
    blocks = described([0, 1, 2, 3], [dense(2), listed([0, 1, 2], [1, 0]), dense(2), dense(2)], [0, 1])
    whole = expand(blocks, np.arange(1, 9), (4, 4))
    assert whole.tolist() == [[0, 0, 1, 2], [0, 0, 3, 4], [5, 6, 0, 0], [7, 8, 0, 0]]


@given(st.data())
def test_what_is_taken_apart_comes_back(data: Any) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    values = np.array(data.draw(st.lists(st.integers(0, 2), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))), np.int8)
    rows = values.reshape(-1, shape[-1])
    last = listed([0, *np.cumsum((rows != 0).sum(1)).tolist()], np.nonzero(rows)[1].tolist())
    levels = [*(dense(size) for size in shape[:-1]), last]
    whole = expand(described(list(range(len(shape))), levels), values[values != 0], shape)
    assert (whole == values.reshape(shape)).all()


@pytest.mark.parametrize(
    ("shape", "stored", "levels"),
    [
        ((3, 4), 2, [dense(3), listed([0, 2, 2, 3], [0, 3, 1])]),
        ((3, 4), 12, [dense(3)]),
        ((3, 4), 0, []),
        ((2, 4), 4, [dense(1 << 40), dense(4)]),
        ((2, 4), 2, [dense(2), listed([0, 1 << 40, 2], [0, 1])]),
        ((2, 4), 2, [dense(2), listed([0, 1], [0, 1])]),
        ((2, 4), 2, [dense(2), listed([0, 1, 2], [0, 4])]),
        ((2, 4), 2, [dense(2), listed([0, 1, 2], [0, -1])]),
    ],
)
def test_a_description_that_does_not_fit_is_refused(shape: tuple[int, ...], stored: int, levels: list[Any]) -> None:
    with pytest.raises(ValueError, match="a sparse constant of"):
        expand(described([0, 1], levels), np.zeros(stored), shape)
