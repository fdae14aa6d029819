"""How one output compares with the reference's, sample by sample: memory holds one sample and a few numbers per channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeroute.types import OutputFidelity
from edgeroute.verify.profile import Groups, Profile, by_axis

Array = Any
MOST_DB = 200.0
MOST = 1e6
"""Stands for infinite ratios, which JSON cannot hold."""
FLOOR = 0.01
"""Share of the largest magnitude below which an output's range is rounding noise."""

STILL = 1e-5
"""A range below this share of the largest magnitude is a constant."""


class AxisSums:
    """Sums per entry of one axis over everything that was seen."""

    def __init__(self, groups: Groups, limits: tuple[float, float] | None) -> None:
        self.axis = groups.axis
        self._shift = groups.mean[:, None]
        zeros = np.zeros(groups.size)
        self.r, self.a, self.rr, self.aa, self.ra, self.dd = (zeros.copy() for _ in range(6))
        self.low, self.high = np.full(groups.size, np.inf), np.full(groups.size, -np.inf)
        self.peak = zeros.copy()
        """Largest absolute difference."""
        self.power = zeros.copy()
        """Sum of the reference's squares, unshifted."""
        self.power_a, self.power_ra = zeros.copy(), zeros.copy()
        self.active, self.clipped = zeros.copy(), zeros.copy()
        """Entries where the reference leaves its mean, and those of them that the other file's range cannot hold."""
        self.values = 0
        self._margin = 0.25 * (groups.high - groups.low)[:, None]
        self._limits = limits
        self._slack = 0.02 * (groups.high - groups.low)[:, None]

    def add(self, reference: Array, other: Array) -> None:
        r, a = by_axis(reference, self.axis), by_axis(other, self.axis)
        self.power += _dot(r, r)
        self.power_a += _dot(a, a)
        self.power_ra += _dot(r, a)
        d = a - r
        self.dd += _dot(d, d)
        self.peak = np.maximum(self.peak, np.abs(d).max(1))
        self.low, self.high = np.minimum(self.low, a.min(1)), np.maximum(self.high, a.max(1))
        self._count_clipped(r)
        r, a = r - self._shift, a - self._shift
        self.r += r.sum(1)
        self.a += a.sum(1)
        self.rr += _dot(r, r)
        self.aa += _dot(a, a)
        self.ra += _dot(r, a)
        self.values += r.shape[1]

    def _count_clipped(self, r: Array) -> None:
        if self._limits is None:
            return
        active = np.abs(r - self._shift) > self._margin
        outside = (r < self._limits[0] - self._slack) | (r > self._limits[1] + self._slack)
        self.active += active.sum(1)
        self.clipped += (active & outside).sum(1)

    def slice(self, start: int, stop: int) -> Moments:
        """Groups start..stop taken as one."""
        part = slice(start, stop)
        count = self.values * (stop - start)
        shift = self._shift[part, 0]
        r = self.r[part] + shift * self.values
        a = self.a[part] + shift * self.values
        return Moments(
            count=count,
            mean_r=float(r.sum()) / count,
            mean_a=float(a.sum()) / count,
            var_r=_variance(self.rr[part], self.r[part], shift, self.values),
            var_a=_variance(self.aa[part], self.a[part], shift, self.values),
            covariance=_covariance(self.ra[part], self.r[part], self.a[part], shift, self.values),
            power=float(self.power[part].sum()),
            power_a=float(self.power_a[part].sum()),
            power_ra=float(self.power_ra[part].sum()),
            noise=float(self.dd[part].sum()),
            peak=float(self.peak[part].max()),
        )


class Moments:
    """Second-order statistics of one group against its reference."""

    def __init__(self, **numbers: float) -> None:
        self.count = numbers["count"]
        self.mean_r, self.mean_a = numbers["mean_r"], numbers["mean_a"]
        self.var_r, self.var_a = _settled(numbers["var_r"], self.mean_r), _settled(numbers["var_a"], self.mean_a)
        self.covariance = numbers["covariance"]
        self.power, self.power_a, self.power_ra = numbers["power"], numbers["power_a"], numbers["power_ra"]
        self.noise, self.peak = numbers["noise"], numbers["peak"]

    @property
    def sqnr_db(self) -> float:
        return decibels(self.power, self.noise)

    @property
    def cosine(self) -> float:
        if self.power == 0 or self.power_a == 0:
            return 1.0 if self.power == self.power_a else 0.0
        return _unit(self.power_ra / math.sqrt(self.power * self.power_a))

    @property
    def correlation(self) -> float:
        """1 where neither varies, 0 where only one does."""
        if self.var_r == 0 or self.var_a == 0:
            return 1.0 if self.var_r == self.var_a else 0.0
        return _unit(self.covariance / math.sqrt(self.var_r * self.var_a))

    @property
    def spread(self) -> float:
        if self.var_r == 0:
            return 1.0 if self.var_a == 0 else MOST
        return min(MOST, math.sqrt(self.var_a / self.var_r))


class Comparison:
    """Collects one output against its reference; arrays are real values in the reference's order."""

    def __init__(self, name: str, profile: Profile, limits: tuple[float, float] | None = None) -> None:
        self.name = name
        self.profile = profile
        self.axes = [AxisSums(g, limits) for g in profile.groups]
        self.broken = 0
        """Values that are NaN or infinite where the reference's are finite."""
        self._values = 0
        self._hits = 0
        self._decisions = 0
        self._peak = 0.0

    def add(self, reference: Array, other: Array) -> None:
        """One sample."""
        self._values += reference.size
        if self.profile.exact:
            self._hits += int((np.asarray(reference, np.float64) == np.asarray(other, np.float64)).sum())
            difference = np.abs(np.asarray(reference, np.float64) - np.asarray(other, np.float64))
            self._peak = max(self._peak, float(np.nan_to_num(difference, nan=MOST).max(initial=0.0)))
            return
        reference, other = self._finite(reference, other)
        for axis in self.axes:
            axis.add(reference, other)
        self._decide(reference, other)

    def fidelity(self, layout: str = "", dead: Sequence[str] = (), judged: bool = True) -> OutputFidelity:
        """The output as a whole."""
        if self.profile.exact:
            share = self._hits / max(1, self._values)
            db = MOST_DB if share == 1.0 else 0.0
            return OutputFidelity(self.name, self.profile.shape, self._peak, self._peak, db, share, share, 1.0, share, layout, exact=True)
        top1 = self._hits / self._decisions if self._decisions else None
        whole = self.axes[0].slice(0, self.profile.groups[0].size)
        low, high = self.profile.low, self.profile.high
        return _fidelity(self.name, self.profile.shape, whole, low, high, top1, layout, tuple(dead), judged)

    def part(self, axis: int, start: int, stop: int, dead: Sequence[str] = ()) -> OutputFidelity:
        """A slice of the output along one of the profile's axes, as an output of its own."""
        index = next(i for i, g in enumerate(self.profile.groups) if g.axis == axis)
        group = self.profile.groups[index].joined(start, stop)
        shape = (*self.profile.shape[:axis], stop - start, *self.profile.shape[axis + 1 :])
        name = part_name(self.name, axis, start, stop)
        low, high = float(group.low[0]), float(group.high[0])
        return _fidelity(name, shape, self.axes[index].slice(start, stop), low, high, None, "", tuple(dead), True)

    def _finite(self, reference: Array, other: Array) -> tuple[Array, Array]:
        good_r, good_a = np.isfinite(reference), np.isfinite(other)
        if good_r.all() and good_a.all():
            return reference, other
        self.broken += int((good_r & ~good_a).sum())
        good = good_r & good_a
        return np.where(good, reference, 0.0), np.where(good, other, 0.0)

    def _decide(self, reference: Array, other: Array) -> None:
        """Count where both pick the same entry; an entry that is as large as the reference's largest also counts."""
        axis = self.profile.decision_axis
        if axis is None:
            return
        picked = np.expand_dims(other.argmax(axis), axis)
        chosen = np.take_along_axis(reference, picked, axis)
        best = reference.max(axis, keepdims=True)
        self._hits += int((chosen >= best - 1e-6 * (self.profile.high - self.profile.low)).sum())
        self._decisions += picked.size


def decibels(signal: float, noise: float) -> float:
    """Signal over noise in dB, within ±200."""
    if noise <= 0:
        return MOST_DB
    if signal <= 0:
        return -MOST_DB
    return max(-MOST_DB, min(MOST_DB, 10 * math.log10(signal / noise)))


def part_name(name: str, axis: int, start: int, stop: int) -> str:
    """`head[axis 1: 4..23]`."""
    return f"{name}[axis {axis}: {start}]" if stop == start + 1 else f"{name}[axis {axis}: {start}..{stop - 1}]"


def _fidelity(
    name: str,
    shape: tuple[int, ...],
    m: Moments,
    low: float,
    high: float,
    top1: float | None,
    layout: str,
    dead: tuple[str, ...],
    judged: bool,
) -> OutputFidelity:
    largest = max(abs(low), abs(high))
    scale = max(high - low, FLOOR * largest)
    relative = min(MOST, m.peak / scale) if scale > 0 else (0.0 if m.peak == 0 else min(MOST, m.peak))
    still = high - low <= STILL * largest and m.peak <= 5 * FLOOR * largest
    correlation, spread = (1.0, 1.0) if still else (m.correlation, m.spread)
    return OutputFidelity(name, shape, m.peak, relative, m.sqnr_db, m.cosine, correlation, spread, top1, layout, dead, judged=judged)


def _dot(x: Array, y: Array) -> Array:
    return np.einsum("ij,ij->i", x, y)


def _variance(squares: Array, sums: Array, shift: Array, values: int) -> float:
    return _covariance(squares, sums, sums, shift, values)


def _covariance(products: Array, r: Array, a: Array, shift: Array, values: int) -> float:
    """Of the joined groups, from per-group sums that were taken around different shifts."""
    groups = r.size
    mean_r, mean_a = r / values + shift, a / values + shift
    within = products / values - (r / values) * (a / values)
    between = mean_r * mean_a
    return float(within.sum() / groups + between.sum() / groups - (mean_r.sum() / groups) * (mean_a.sum() / groups))


def _settled(variance: float, mean: float) -> float:
    """Zero where only rounding is left."""
    return variance if variance > 1e-14 * mean * mean and variance > 0 else 0.0


def _unit(value: float) -> float:
    return max(-1.0, min(1.0, value))
