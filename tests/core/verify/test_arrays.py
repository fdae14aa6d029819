"""Arrays on disk and the border between real numbers and quantized ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeroute.errors import UsageError
from edgeroute.types import Tensor
from edgeroute.verify import arrays, border

DTYPES = st.sampled_from(["float32", "float64", "float16", "int64", "int8", "uint8", "bool"])


@given(hnp.array_shapes(min_dims=0, max_dims=4, max_side=4), DTYPES, st.integers(0, 5))
def test_what_is_written_row_by_row_is_what_numpy_reads(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], dtype: str, count: int
) -> None:
    path = tmp_path_factory.mktemp("rows") / "0.npy"
    rows = [(np.random.default_rng(i).random(shape) * 100).astype(dtype) for i in range(count)]
    with arrays.RowWriter(path, shape, dtype) as out:
        for row in rows:
            out.append(row)
    read = np.load(path, mmap_mode="r" if count and np.prod(shape) else None)
    assert read.shape == (count, *shape) and read.dtype == dtype
    reader = arrays.open_npy(path, path.parent)
    assert all(np.array_equal(reader.row(i), r) and np.array_equal(read[i], r) for i, r in enumerate(rows))


def test_archives_are_unpacked_without_unpickling(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", good=np.eye(3), bad=np.array([object()]))
    with pytest.raises(UsageError, match="never unpickles"):
        arrays.open_npz(tmp_path / "a.npz", tmp_path)
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UsageError, match="not a readable"):
        arrays.open_npz(tmp_path / "b.npz", tmp_path)


@given(st.floats(0.0009765625, 10, width=32), st.integers(-128, 127), hnp.arrays(np.float32, 20, elements=st.floats(-100, 100, width=32)))
def test_quantizing_is_within_half_a_step_or_saturated(scale: float, zero: int, values: np.ndarray) -> None:
    tensor = Tensor("q", (20,), "int8", scale=(scale,), zero_point=(zero,))
    quantized = border.to_dtype(values, tensor)
    real = border.to_real(quantized, tensor)
    limits = border.real_limits(tensor)
    assert quantized.dtype == np.int8 and limits is not None
    inside = (values > limits[0]) & (values < limits[1])
    assert np.all(np.abs(real - values)[inside] <= scale * 0.501 + 1e-4)
    assert np.all((quantized == -128) | (quantized == 127) | inside | (np.abs(real - values) <= scale))


def test_casts_round_and_saturate_and_leave_their_own_kind_alone() -> None:
    assert list(border.to_dtype(np.array([-3.0, 1.6, 300.0]), Tensor("x", (3,), "uint8"))) == [0, 2, 255]
    assert list(border.to_dtype(np.array([2**40, -1]), Tensor("x", (2,), "int32"))) == [2**31 - 1, -1]
    floats = np.array([1.5, -2.0], np.float32)
    assert np.array_equal(border.to_dtype(floats, Tensor("x", (2,), "float32")), floats)
    assert border.to_real(np.array([7]), Tensor("x", (1,), "int64"))[0] == 7 and border.real_limits(Tensor("x", (1,), "float32")) is None
