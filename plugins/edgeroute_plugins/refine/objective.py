"""One number for how well an int8 file follows its float model: higher is better, in dB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeroute_plugins.refine.execution import Session, watch
from edgeroute_plugins.refine.network import Array, Network

LOWEST, HIGHEST = -10.0, 50.0
GOOD, BEYOND = 20.0, 0.25
"""A decibel beyond the first counts a quarter: nobody notices it, while the output that lacks one suffers."""
SATURATED = 6.0
"""Logits beyond this are as good as it: a sigmoid is within 0.0025 of its end there, and int8 ranges may end soon after."""
CORRELATION = 0.9
SPREAD = (0.5, 1.5)
PENALTY = 20.0


@dataclass
class Objective:
    """Float answers on some samples, and how to compare with them."""

    rows: Sequence[Sequence[Array]]
    squashed: list[str]
    """LOGISTIC, SOFTMAX or nothing, per output."""
    wanted: list[Array]
    """Float logits per output [samples, …]."""

    @classmethod
    def of(cls, floating: bytes, rows: Sequence[Sequence[Array]]) -> Objective:
        model = Network.parse(floating)
        answers = watch(floating, model.logits(), rows)
        squashed = [_squash(model, tensor) for tensor in model.outputs]
        return cls(rows, squashed, [np.stack(column) for column in zip(*answers, strict=True)])

    def score(self, blob: bytes) -> float:
        """Mean over outputs of clipped signal to noise, less penalties for dead or shrunken outputs."""
        return float(np.mean(self.scores(blob)))

    def scores(self, blob: bytes) -> list[float]:
        """What every output's signal to noise is worth, less its penalties."""
        return [self._judge(i, got) for i, got in enumerate(self.answers(blob))]

    def per_output(self, blob: bytes) -> list[float]:
        """Signal to noise of every output in dB, of logits within the range that matters."""
        return [signal_to_noise(*self._effective(i, got)) for i, got in enumerate(self.answers(blob))]

    def answers(self, blob: bytes) -> list[Array]:
        session = Session(blob, Network.parse(blob).logits())
        return [np.stack(column) for column in zip(*(session.run(row) for row in self.rows), strict=True)]

    def _judge(self, index: int, got: Array) -> float:
        wanted = self.wanted[index]
        values = [signal_to_noise(*self._effective(index, got))]
        if self.squashed[index]:
            a, b = squash(wanted, self.squashed[index]), squash(got, self.squashed[index])
            values.append(signal_to_noise(a, b))
        return float(np.mean([worth(v) for v in values])) - _penalty(*self._effective(index, got))

    def _effective(self, index: int, got: Array) -> tuple[Array, Array]:
        wanted = self.wanted[index]
        if self.squashed[index] != "LOGISTIC":
            return wanted, got
        return np.clip(wanted, -SATURATED, SATURATED), np.clip(got, -SATURATED, SATURATED)


def worth(decibels: float) -> float:
    """Signal to noise within bounds, and little of what is more than good."""
    clipped = min(max(decibels, LOWEST), HIGHEST)
    return min(clipped, GOOD) + BEYOND * max(0.0, clipped - GOOD)


def signal_to_noise(wanted: Array, got: Array) -> float:
    """Variance of the wanted over the mean squared error, in dB."""
    a, b = wanted.astype(np.float64).ravel(), got.astype(np.float64).ravel()
    return float(10 * np.log10(max(a.var(), 1e-20) / max(((a - b) ** 2).mean(), 1e-20)))


def squash(logits: Array, kind: str) -> Array:
    """Probabilities."""
    if kind == "LOGISTIC":
        return 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -60, 60)))
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _penalty(wanted: Array, got: Array) -> float:
    a, b = wanted.astype(np.float64).ravel(), got.astype(np.float64).ravel()
    if a.std() < 1e-12:
        return 0.0
    if b.std() < 1e-12:
        return PENALTY
    missing = max(0.0, CORRELATION - float(np.corrcoef(a, b)[0, 1]))
    spread = float(b.std() / a.std())
    off = max(0.0, SPREAD[0] - spread, spread - SPREAD[1])
    return PENALTY * min(1.0, missing / 0.4 + off)


def _squash(network: Network, output: int) -> str:
    maker = network.producers.get(output)
    return maker.name if maker is not None and maker.name in ("LOGISTIC", "SOFTMAX") else ""
