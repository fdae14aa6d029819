"""Whether samples can stand for what the camera will see: too few, constant, repeated, all alike, ranges still growing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeroute.types import Finding, Severity, Tensor

Array = Any
FAR_TOO_FEW = 20
FEW = 100
GROWTH = 0.10
"""Ranges that the last quarter of the samples widens by more than this share are not settled."""
ALIKE = 0.05
"""Samples whose values at one place differ by less than this share of the values' overall deviation are nearly one picture."""
PROBES = 4096
MORE = "give 100 to 200 pictures of what the camera will see, in all its light: --calibrate images/"


class Observer:
    """Looks at every sample once, as it passes; keeps a few numbers of each."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.floats = [i for i, t in enumerate(tensors) if np.dtype(t.dtype).kind in "fiu" and np.prod([d or 1 for d in t.shape]) > 1]
        self.names: list[str] = []
        self._digests: list[bytes] = []
        self._constant: list[str] = []
        self._limits: list[list[tuple[float, float]]] = []
        self._sums: dict[int, list[Array]] = {}

    @property
    def count(self) -> int:
        return len(self.names)

    def see(self, name: str, values: Sequence[Array]) -> None:
        """One sample: the values of all inputs."""
        self.names.append(name)
        self._digests.append(b"".join(hashlib.blake2b(_probe(v).tobytes(), digest_size=16).digest() for v in values))
        limits = [(float(values[i].min()), float(values[i].max())) for i in self.floats]
        self._limits.append(limits)
        if self.floats and all(_is_flat(values[i]) for i in self.floats):
            self._constant.append(name)
        for i in self.floats:
            self._add_probe(i, values[i])

    def findings(self, held_back: int) -> list[Finding]:
        """What speaks against these samples, given how many of the last ones are for measuring."""
        found = [
            self._few(),
            self._reused(held_back),
            self._constants(),
            self._repeated(),
            self._growing(self.count - held_back),
            self._alike(),
        ]
        return [f for f in found if f is not None]

    def _few(self) -> Finding | None:
        if self.count < FAR_TOO_FEW:
            return Finding("calibration-few", Severity.WARNING, f"only {self.count} sample(s): int8 ranges will be guesses", MORE)
        if self.count < FEW:
            return Finding("calibration-few", Severity.TIP, f"{self.count} samples; 100 to 200 settle the int8 ranges better", MORE)
        return None

    def _reused(self, held_back: int) -> Finding | None:
        if held_back:
            return None
        message = f"{self.count} sample(s) are too few to hold some back: fidelity is measured on the samples that calibrated"
        return Finding("calibration-reused", Severity.WARNING, message, "give at least 8 samples, better 100: --calibrate images/")

    def _constants(self) -> Finding | None:
        if not self._constant:
            return None
        message = f"{len(self._constant)} of {self.count} samples hold one single value: {_some(self._constant)}"
        return Finding(
            "calibration-constant", Severity.WARNING, message, "remove them: they say nothing about ranges", where=self._constant[0]
        )

    def _repeated(self) -> Finding | None:
        seen: dict[bytes, str] = {}
        twins = [f"{name} = {seen[d]}" for d, name in zip(self._digests, self.names, strict=True) if seen.setdefault(d, name) != name]
        if not twins:
            return None
        message = f"{len(twins)} of {self.count} samples are exact repetitions: {_some(twins)}"
        return Finding(
            "calibration-duplicates",
            Severity.WARNING,
            message,
            "remove the repetitions, so that held-back samples are unseen ones",
            where=twins[0],
        )

    def _growing(self, usable: int) -> Finding | None:
        if usable < 8 or not self.floats:
            return None
        table = np.array(self._limits[:usable])
        early = table[: usable - usable // 4]
        before = early[:, :, 1].max(0) - early[:, :, 0].min(0)
        after = table[:, :, 1].max(0) - table[:, :, 0].min(0)
        growth = float(((after - before) / np.maximum(after, 1e-12)).max())
        if growth <= GROWTH:
            return None
        message = f"the last quarter of the samples still widened the inputs' range by {growth:.0%}"
        return Finding("calibration-range-growing", Severity.WARNING, message, MORE)

    def _alike(self) -> Finding | None:
        if self.count < 4 or not self._sums:
            return None
        shares = []
        for total, squares in self._sums.values():
            within = np.maximum(squares / self.count - (total / self.count) ** 2, 0).mean()
            overall = max(squares.mean() / self.count - (total.mean() / self.count) ** 2, 1e-30)
            shares.append(float((within / overall) ** 0.5))
        if max(shares) >= ALIKE:
            return None
        return Finding("calibration-alike", Severity.WARNING, "the samples are nearly one and the same picture", MORE)

    def _add_probe(self, index: int, value: Array) -> None:
        probe = _probe(value).astype(np.float64)
        total, squares = self._sums.setdefault(index, [np.zeros_like(probe), np.zeros_like(probe)])
        total += probe
        squares += probe**2


def _probe(value: Array) -> Array:
    """Some thousand values spread over the array: two pictures that agree in all of them are one."""
    flat = value.reshape(-1)
    return flat[:: max(1, flat.size // PROBES)]


def _is_flat(value: Array) -> bool:
    """One single value, or one per channel of a picture (first or last axis); a sparse look settles most."""
    if value.ndim != 4:
        return bool((value == value.reshape(-1)[0]).all())
    return _one_per_channel(value[:, :: max(1, value.shape[1] // 16), ::16, ::16]) and _one_per_channel(value)


def _one_per_channel(value: Array) -> bool:
    return bool((value == value[:, :, :1, :1]).all() or (value == value[:, :1, :1]).all())


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
