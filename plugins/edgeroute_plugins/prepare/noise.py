"""The noise that 8-bit quantization adds, as a smooth function of the channels' scales, and its minimum.

For scales s (one per class, activations are divided by them) an activation tensor costs Σ_c g_c·s_c²·Δ², where Δ is its largest scaled
range over 255 and g the importance of a channel; a layer's weights cost Σ_o h_o·s_o²·Δ²·Σ_i q_i/s_i², where Δ is the largest scaled weight over
127 (of the tensor, or of a row when weights are per-channel) and q the power of an input channel. Both lack the common factor 1/12.
Maxima are smoothed: (1/β)·log Σ exp(β·u), β rising during the descent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeroute_plugins.prepare.graph import Array

TINY = 1e-30


@dataclass(frozen=True)
class ActivationTerm:
    """One quantized tensor: class, upper and lower range and importance per channel."""

    name: str
    ids: Array
    high: Array
    low: Array
    weight: Array

    def cost(self, x: Array, gradient: Array, beta: float) -> float:
        scale = x[self.ids]
        top, top_share = _soft_max(np.log(self.high + TINY) - scale, beta)
        bottom, bottom_share = _soft_max(np.log(self.low + TINY) - scale, beta)
        width = top + bottom
        noise = self.weight * np.exp(2 * scale)
        total = (width / 255) ** 2 * noise.sum()
        slope = 2 * (width / 255) ** 2 * noise - 2 * total / width * (top * top_share + bottom * bottom_share)
        np.add.at(gradient, self.ids, slope)
        return float(total)


@dataclass(frozen=True)
class WeightTerm:
    """One layer's weights: log of the largest magnitude `[group, out, in]`, classes, importance of outputs, power of inputs."""

    name: str
    size: Array
    inputs: Array
    outputs: Array
    weight: Array
    power: Array
    per_channel: bool

    def cost(self, x: Array, gradient: Array, beta: float) -> float:
        inside, outside = x[self.inputs], x[self.outputs]
        scaled = self.size + inside[:, None, :] - outside[:, :, None]
        rows = self.weight * np.exp(2 * outside)
        columns = self.power * np.exp(-2 * inside)
        column_sum = columns.sum(axis=1)
        if self.per_channel:
            step, share = _soft_max(scaled, beta, axis=2)
        else:
            step, share = _soft_max(scaled, beta)
            step = np.full(rows.shape, step)
        parts = rows * (step / 127) ** 2 * column_sum[:, None]
        total = float(parts.sum())
        pull = 2 * (parts[:, :, None] if self.per_channel else total) * share
        np.add.at(gradient, self.outputs, 2 * parts - pull.sum(axis=2))
        np.add.at(gradient, self.inputs, pull.sum(axis=1) - 2 * parts.sum(axis=1)[:, None] * columns / (column_sum[:, None] + TINY))
        return total


def minimise(
    terms: Sequence[ActivationTerm | WeightTerm], count: int, steps: int = 300, limit: float = 64.0, least: Array | None = None
) -> tuple[Array, float, float]:
    """Logarithms of the scales of `count` classes (class 0 stays 0) by Adam, with the cost before and after.

    No scale leaves 1/limit..limit times the start's 1, which keeps float32 weights and biases well conditioned; `least` are further lower
    bounds, none of them above 0.
    """
    floor = np.full(count, -np.log(limit)) if least is None else np.maximum(least, -np.log(limit))
    x = np.zeros(count)
    first = np.zeros(count)
    second = np.zeros(count)
    best, best_x, start = np.inf, x.copy(), 0.0
    for step in range(steps):
        beta = 8.0 + 32.0 * step / steps
        gradient = np.zeros(count)
        cost = sum(term.cost(x, gradient, beta) for term in terms)
        hard = sum(term.cost(x, np.zeros(count), 400.0) for term in terms) if step % 20 == 0 or step == steps - 1 else np.inf
        start = hard if step == 0 else start
        if hard < best:
            best, best_x = hard, x.copy()
        gradient /= cost + TINY
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        rate = 0.1 * (1 - step / steps) + 0.005
        x = x - rate * (first / (1 - 0.9 ** (step + 1))) / (np.sqrt(second / (1 - 0.99 ** (step + 1))) + 1e-8)
        x = np.clip(x, floor, np.log(limit))
        x[0] = 0.0
    return best_x, start, best


def _soft_max(values: Array, beta: float, axis: int | None = None) -> tuple[Array, Array]:
    """exp of the smooth maximum, and each value's share in it."""
    peak = values.max(axis=axis, keepdims=True)
    powers = np.exp(beta * (values - peak))
    total = powers.sum(axis=axis, keepdims=True)
    top = np.exp(peak + np.log(total) / beta)
    return (top.squeeze(axis) if axis is not None else top.reshape(())), powers / total
