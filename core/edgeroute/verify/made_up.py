"""Seeded random samples, for want of real ones: cloudy pictures, normal numbers, zeros and ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeroute.types import Finding, Preprocess, Tensor
from edgeroute.verify import border, pixels

Array = Any
RANDOM_SAMPLES = 24


@dataclass(frozen=True)
class Sample:
    """One value of every input, and the picture behind it where there is one."""

    name: str
    values: Sequence[Array]
    picture: Array | None = None


@dataclass
class Random:
    """Made-up data: cloudy pictures for picture inputs, normal numbers, zeros and ones for integers."""

    inputs: Sequence[Tensor]
    preprocess: Preprocess
    seed: int
    findings: list[Finding] = field(default_factory=list)

    def samples(self, limit: int) -> Iterator[Sample]:
        generator = np.random.default_rng(self.seed)
        for index in range(min(limit, RANDOM_SAMPLES)):
            made = [self._value(t, generator) for t in self.inputs]
            pictures = [p for _, p in made if p is not None]
            yield Sample(f"random {index}", [v for v, _ in made], pictures[0] if len(self.inputs) == 1 and pictures else None)

    def _value(self, tensor: Tensor, generator: np.random.Generator) -> tuple[Array, Array | None]:
        place = pixels.geometry(tensor) if len(tensor.shape) == 4 and tensor.dtype not in ("bool", "int32", "int64") else None
        if place is not None:
            picture = clouds(generator, place.height, place.width, place.channels)
            return pixels.normalize(picture, place, self.preprocess, tensor), picture
        return random_value(tensor, generator), None


def random_value(tensor: Tensor, generator: np.random.Generator) -> Array:
    """One value of an input that is no picture, in its own dtype and shape; integers stay 0 or 1, which any table's index allows."""
    shape = tuple(int(d or 1) for d in tensor.shape)
    kind = np.dtype(tensor.dtype).kind
    if kind == "f" or (kind in "iu" and tensor.scale):
        return border.to_dtype(generator.standard_normal(shape, dtype=np.float32), tensor)
    if kind in "iu" and np.dtype(tensor.dtype).itemsize == 1:
        limits = np.iinfo(tensor.dtype)
        return generator.integers(limits.min, limits.max + 1, shape).astype(tensor.dtype)
    return generator.integers(0, 2, shape).astype(tensor.dtype)


def clouds(generator: np.random.Generator, height: int, width: int, channels: int) -> Array:
    """A smooth random uint8 picture [H, W, C]: noise of several coarsenesses, as photographs have more of the coarse."""
    total: Array = np.zeros((height, width, channels), np.float32)
    for cells in (2, 4, 8, 16, 64):
        grid = generator.standard_normal((min(cells, height) + 1, min(cells, width) + 1, channels), dtype=np.float32)
        total += _stretched(grid, height, width) / np.float32(cells**0.5)
    low, high = float(total.min()), float(total.max())
    return ((total - low) * np.float32(255 / max(high - low, 1e-6))).astype(np.uint8)


def _stretched(grid: Array, height: int, width: int) -> Array:
    """Linear interpolation of a grid [h, w, c] to [height, width, c]."""
    rows = np.linspace(0, grid.shape[0] - 1, height, dtype=np.float32)
    columns = np.linspace(0, grid.shape[1] - 1, width, dtype=np.float32)
    top, left = np.minimum(rows.astype(int), grid.shape[0] - 2), np.minimum(columns.astype(int), grid.shape[1] - 2)
    down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = grid[top] * (1 - down) + grid[top + 1] * down
    return upper[:, left] * (1 - right) + upper[:, left + 1] * right
