"""What one output of the reference does over all measured samples: ranges and activity, as a whole and per channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
MOST_GROUPS = 20_000
"""Axes longer than this are positions, not channels."""
UNIT = 1e-3


@dataclass(frozen=True)
class Groups:
    """Statistics per entry of one axis, each a vector of that axis' length (float64)."""

    axis: int
    """Of the output's full shape, batch included."""
    mean: Array
    std: Array
    low: Array
    high: Array
    lows: Array
    """[samples, groups]: the smallest value in each sample."""
    highs: Array

    @property
    def size(self) -> int:
        return int(self.mean.size)

    def joined(self, start: int, stop: int) -> Groups:
        """The groups start..stop as one group."""
        mean = self.mean[start:stop].mean(keepdims=True)
        power = (self.std[start:stop] ** 2 + self.mean[start:stop] ** 2).mean(keepdims=True)
        std = np.sqrt(np.maximum(power - mean**2, 0))
        low, high = self.low[start:stop].min(keepdims=True), self.high[start:stop].max(keepdims=True)
        return Groups(
            self.axis, mean, std, low, high, self.lows[:, start:stop].min(1, keepdims=True), self.highs[:, start:stop].max(1, keepdims=True)
        )

    def active_samples(self) -> Array:
        """In how many samples each group leaves its mean by more than a quarter of its range."""
        margin = 0.25 * (self.high - self.low)
        away = np.maximum(self.highs - self.mean, self.mean - self.lows) > np.maximum(margin, 1e-300)
        return away.sum(0)


@dataclass(frozen=True)
class Profile:
    """One output of the reference."""

    shape: tuple[int, ...]
    exact: bool
    """Integers or booleans."""
    groups: tuple[Groups, ...]
    """One per channel-like axis; never empty for an output that is not exact."""
    decision_axis: int | None
    """Along which a class is picked; None where the output is not classifier-like."""
    vector: bool
    """One axis per sample: a group has one value in each sample."""

    @property
    def low(self) -> float:
        return float(self.groups[0].low.min()) if self.groups else 0.0

    @property
    def high(self) -> float:
        return float(self.groups[0].high.max()) if self.groups else 0.0


def profile(rows: Sequence[Array], extra_axes: Iterable[int] = ()) -> Profile:
    """Look at all rows of a reference output, one at a time; `extra_axes` are ones along which parts are known to be joined."""
    shape = tuple(rows[0].shape)
    exact = rows[0].dtype.kind in "iub"
    if exact:
        return Profile(shape, True, (), None, False)
    axes = [*channel_axes(shape), *(a for a in extra_axes if a not in channel_axes(shape))]
    groups = tuple(_groups(rows, axis) for axis in axes)
    return Profile(shape, False, groups, _decision_axis(rows), sum(d > 1 for d in shape) <= 1)


def channel_axes(shape: tuple[int, ...]) -> list[int]:
    """Axes that may count channels: the last, and the second where that has the rank for it; the plane of a picture is left out.

    A lone second axis ([1, 896, 1]) counts positions: its entries are no groups.
    """
    real = [i for i, d in enumerate(shape) if d > 1 and (i > 0 or len(shape) == 1)]
    if len(shape) >= 4 and len(real) >= 2:
        real = _without_plane(shape, [1, len(shape) - 1])
    elif len(shape) >= 3 and real == [1]:
        return [len(shape) - 1]
    elif len(real) > 2:
        real = [real[0], real[-1]]
    return [i for i in real if shape[i] <= MOST_GROUPS] or [len(shape) - 1 if shape else 0]


def is_position(shape: tuple[int, ...], axis: int) -> bool:
    """Whether an axis of [batch, a, b] counts places (anchors, time) rather than quantities: it is four times as long as the other."""
    return len(shape) == 3 and axis in (1, 2) and shape[axis] >= 4 * shape[3 - axis]


def by_axis(array: Array, axis: int) -> Array:
    """float64 [groups, values]: one row per entry of the axis."""
    array = np.asarray(array, np.float64)
    if array.ndim == 0:
        return array.reshape(1, 1)
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)


def _groups(rows: Sequence[Array], axis: int) -> Groups:
    lows, highs, total, squares, values = [], [], 0.0, 0.0, 0
    for row in rows:
        table = np.nan_to_num(by_axis(row, axis), posinf=0.0, neginf=0.0)
        lows.append(table.min(1))
        highs.append(table.max(1))
        total = total + table.sum(1)
        squares = squares + np.einsum("ij,ij->i", table, table)
        values += table.shape[1]
    mean: Array = total / values
    variance = squares / values - mean**2
    std = np.sqrt(np.where(variance > 1e-12 * mean**2, variance, 0.0))
    low, high = np.array(lows), np.array(highs)
    return Groups(axis, mean, std, low.min(0), high.max(0), low, high)


def _without_plane(shape: tuple[int, ...], axes: list[int]) -> list[int]:
    """Of the second and the last axis the one that is not height or width; both where that cannot be told."""
    second, last = shape[axes[0]], shape[axes[1]]
    middle = shape[2:-1]
    if 1 in (second, last) and second != last:
        return [axes[0]] if second == 1 else [axes[1]]
    if all(d == last for d in middle) and second != last:
        return [axes[0]]
    if all(d == second for d in middle) and second != last:
        return [axes[1]]
    return axes


def _decision_axis(rows: Sequence[Array]) -> int | None:
    """The axis of probabilities that sum to 1, or that of a plain vector [batch, classes] that is not of unit length (an embedding)."""
    shape = rows[0].shape
    real = [i for i, d in enumerate(shape) if d > 1]
    for axis in dict.fromkeys((*real[-1:], *real[:1])):
        if len(real) > 1 and axis == 0:
            continue
        if all(_sums_to_one(row, axis) for row in rows):
            return axis
    if len(real) != 1 or len(shape) != 2:
        return None
    norms = [float(np.linalg.norm(np.asarray(row, np.float64))) for row in rows]
    return None if all(abs(n - 1) < UNIT for n in norms) else real[0]


def _sums_to_one(row: Array, axis: int) -> bool:
    return bool(row.min() >= -UNIT) and bool(np.abs(row.sum(axis) - 1).max() < 10 * UNIT)
