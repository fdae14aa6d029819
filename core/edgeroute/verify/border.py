"""What stands between real numbers and a file's inputs and outputs: quantization with saturation, and plain casts."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeroute.types import Tensor

Array = Any


def to_dtype(values: Array, tensor: Tensor) -> Array:
    """Real values → the dtype that a file's input declares: `q = round(x / scale) + zero_point`, saturated; without a scale a cast.

    A cast to integers rounds and saturates too; integers for a float input become floats.
    """
    dtype = np.dtype(tensor.dtype)
    values = np.asarray(values)
    if tensor.scale and dtype.kind in "iu" and values.dtype.kind == "f":
        values = np.rint(values / np.float32(tensor.scale[0])) + _zero_point(tensor)
    if dtype.kind in "iu" and values.dtype.kind in "fiu" and values.dtype != dtype:
        limits = np.iinfo(dtype)
        values = np.rint(values.astype(np.float64)).clip(limits.min, limits.max) if dtype.itemsize < 8 else np.rint(values)
    return values.astype(dtype, copy=False)


def to_real(values: Array, tensor: Tensor) -> Array:
    """A file's output → real values: `(q - zero_point) * scale` where it is quantized, otherwise as it is."""
    values = np.asarray(values)
    if tensor.scale and values.dtype.kind in "iu":
        return (values.astype(np.float32) - np.float32(_zero_point(tensor))) * np.float32(tensor.scale[0])
    return values


def real_limits(tensor: Tensor) -> tuple[float, float] | None:
    """The smallest and largest real value that a quantized output can hold; None for a float one."""
    dtype = np.dtype(tensor.dtype)
    if not tensor.scale or dtype.kind not in "iu":
        return None
    limits, zero, scale = np.iinfo(dtype), _zero_point(tensor), tensor.scale[0]
    return (limits.min - zero) * scale, (limits.max - zero) * scale


def _zero_point(tensor: Tensor) -> int:
    return tensor.zero_point[0] if tensor.zero_point else 0
