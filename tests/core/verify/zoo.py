"""Networks of every kind as functions on arrays, honest conversions of them, and lies: what must pass, and what must not.

Each takes pictures [1, 3, 16, 16] of standard normal numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Network = Callable[[Array], list[Array]]
Spoil = Callable[[list[Array]], list[Array]]

MIX = np.random.default_rng(7).standard_normal((768, 512)).astype(np.float32) / 28


def features(x: Array, count: int) -> Array:
    """Numbers that depend on all of the input, [1, count]."""
    return np.tanh(x.reshape(1, -1) @ MIX)[:, :count]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def smooth(x: Array) -> Array:
    """Eight feature maps [1, 8, 16, 16]."""
    turned = [np.roll(x, s, (2, 3)) for s in ((0, 0), (0, 1), (1, 0))]
    maps = np.concatenate([x, sum(turned) / 3, x[:, :2] * turned[1][:, :2]], axis=1)
    return maps[:, :8]


def listed(x: Array) -> Array:
    """A list of detections after suppression, [1, 20, 6]: as many rows as there were, then zeros."""
    values = features(x, 120).reshape(20, 6)
    kept = values[values[:, 4] > 0.2]
    kept = kept[np.argsort(-kept[:, 4])]
    rows = np.zeros((20, 6), np.float32)
    rows[: len(kept)] = kept * [100, 100, 100, 100, 1, 1]
    return rows[None]


def joined(x: Array) -> Array:
    boxes = np.abs(features(x, 256).reshape(4, 64)) * 300 + 5
    scores = sigmoid(6 * features(x, 512).reshape(8, 64)[:2])
    return np.concatenate([boxes, scores])[None]


NETWORKS: dict[str, Network] = {
    "sharp classifier": lambda x: [softmax(40 * features(x, 10))],
    "many classes": lambda x: [softmax(8 * features(x, 500))],
    "logits": lambda x: [5 * features(x, 10) + 2],
    "labels of a segmentation": lambda x: [smooth(x).argmax(1).astype(np.int64)],
    "one label": lambda x: [features(x, 10).argmax(1).astype(np.int64)],
    "mask": lambda x: [smooth(x)[:, :1] > 0.3],
    "sparse heatmap": lambda x: [sigmoid(8 * (smooth(x)[:, 3:5] - 1.2))],
    "list of detections": lambda x: [listed(x)],
    "boxes and scores": lambda x: [joined(x)],
    "anchors and features": lambda x: [np.linspace(0, 1, 256, dtype=np.float32).reshape(1, 64, 4), smooth(x)],
    "constant channels": lambda x: [np.concatenate([smooth(x), np.full((1, 2, 16, 16), 3.0), np.zeros((1, 2, 16, 16))], axis=1)],
    "tiny": lambda x: [smooth(x) * 1e-7],
    "huge": lambda x: [smooth(x) * 1e7],
    "on a pedestal": lambda x: [smooth(x) * 0.5 + 100],
    "scales apart": lambda x: [smooth(x) * 1000, 0.01 * features(x, 32), sigmoid(4 * features(x, 16))],
    "states": lambda x: [features(x, 64).reshape(2, 1, 32), np.tanh(features(x, 128)[:, 64:]).reshape(2, 1, 32), sigmoid(4 * features(x, 1))],
    "sequence": lambda x: [softmax(12 * features(x, 400).reshape(1, 20, 20))],
    "embedding": lambda x: [features(x, 128) / np.linalg.norm(features(x, 128))],
    "relu features": lambda x: [np.maximum(smooth(x) - 0.5, 0)],
    "one number": lambda x: [features(x, 1) * 30],
    "loud and quiet channels": lambda x: [smooth(x) * np.array([1, 1, 1, 1, 0.3, 0.1, 0.1, 0.02])[None, :, None, None]],
}  # fmt: skip


def rounding(outputs: list[Array]) -> list[Array]:
    """What another order of additions in float32 does."""
    found = []
    for index, value in enumerate(outputs):
        noise = np.sin(1e3 * np.arange(value.size).reshape(value.shape) + index)
        found.append(value if value.dtype.kind in "iub" else (value * (1 + 2e-6 * noise)).astype(np.float32))
    return found


def _each(change: Callable[[Array], Array]) -> Spoil:
    """A change of every float output."""
    return lambda outputs: [change(v) if v.dtype.kind == "f" else np.roll(v, 1, -1) if v.size > 1 else v * 0 for v in outputs]


def _channel(value: Array, change: Callable[[Array], Array]) -> Array:
    """A change of one channel."""
    value = value.copy()
    axis = 1 if value.ndim == 4 else value.ndim - 1
    where = (slice(None),) * axis + (min(1, value.shape[axis] - 1),)
    value[where] = change(value[where])
    return value


LIES: dict[str, Spoil] = {
    "times 1.02": _each(lambda v: v * 1.02),
    "a little more": _each(lambda v: v + 0.02 * max(np.ptp(v), 0.01 * np.abs(v).max())),
    "constant": _each(lambda v: v * 0 + v.mean() * 0),
    "backwards": _each(lambda v: v[..., ::-1]),
    "turned round": _each(lambda v: -v),
    "one channel dead": _each(lambda v: _channel(v, lambda c: c * 0)),
    "one channel doubled": _each(lambda v: _channel(v, lambda c: c * 2)),
    "not a number": _each(lambda v: np.where(np.arange(v.size).reshape(v.shape) == v.size // 2, np.nan, v)),
    "infinite": _each(lambda v: np.where(np.arange(v.size).reshape(v.shape) == v.size // 2, np.inf, v)),
    "clipped": _each(lambda v: v.clip(v.min(), v.min() + 0.5 * np.ptp(v))),
    "noise of 40 dB": _each(lambda v: v + 0.01 * np.sqrt((v**2).mean()) * np.sin(1e4 * np.arange(v.size).reshape(v.shape))),
}  # fmt: skip
