"""Pixels → what an input takes: colour order, `(pixel * scale - mean) / std`, layout. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeroute.types import Preprocess, Tensor
from edgeroute.verify.border import to_dtype
from edgeroute.verify.preprocess import per_channel

Array = Any


@dataclass(frozen=True)
class Geometry:
    """Where height, width and channels stand in an input."""

    height: int
    width: int
    channels: int
    first: bool
    """Channels before height and width."""


def geometry(tensor: Tensor) -> Geometry | None:
    """How an input takes a picture, or None when its shape is not a picture's; batch and time axes of 1 may stand before it."""
    shape = [d for d in tensor.shape if d is not None]
    if len(shape) != len(tensor.shape) or not 3 <= len(shape) <= 5:
        return None
    extra, core = shape[:-3], shape[-3:]
    if any(d != 1 for d in extra[1:]) or min(core) < 1:
        return None
    first, last = core[0] in (1, 3), core[2] in (1, 3)
    if first and (tensor.layout == "NCHW" or not last or (tensor.layout != "NHWC" and core[0] == 3)):
        return Geometry(core[1], core[2], core[0], first=True)
    return Geometry(core[0], core[1], core[2], first=False) if last else None


def normalize(pixels: Array, place: Geometry, preprocess: Preprocess, tensor: Tensor) -> Array:
    """uint8 RGB pixels [H, W, C] → what the input takes, in its dtype, layout and shape.

    A byte input without a scale takes the pixels as they are; a quantized one takes the preprocessed values, quantized.
    """
    if preprocess.color == "bgr" and place.channels == 3:
        pixels = pixels[:, :, ::-1]
    plain = tensor.dtype == "uint8" and not (tensor.scale and preprocess.known)
    values = pixels if plain else to_dtype(_scaled(pixels, place, preprocess), tensor)
    if place.first:
        values = values.transpose(2, 0, 1)
    return np.broadcast_to(values, tuple(int(d or 0) for d in tensor.shape))


def _scaled(pixels: Array, place: Geometry, preprocess: Preprocess) -> Array:
    """Looked up in a table of 256 values per channel."""
    mean = np.array(per_channel(preprocess.mean, place.channels, "mean"), np.float32)
    std = np.array(per_channel(preprocess.std, place.channels, "std"), np.float32)
    table = (np.arange(256, dtype=np.float32)[:, None] * np.float32(preprocess.scale) - mean) / std
    return np.stack([table[:, c].take(pixels[:, :, c]) for c in range(place.channels)]).transpose(1, 2, 0)
