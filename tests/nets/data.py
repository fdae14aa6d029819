"""Made-up data that a small network learns in seconds; NumPy only, the same on every computer."""

from __future__ import annotations

from typing import Any

import numpy as np

CLASSES = 6
SIZE = 32
STEPS, FEATURES = 24, 8


def pictures(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Gratings of six orientations with colour, contrast and noise: float32 [count, 3, 32, 32] in 0..1, int64 [count]."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    angles = labels * np.pi / CLASSES + rng.normal(0, 0.05, count)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    waves = np.cos(angles)[:, None, None] * columns + np.sin(angles)[:, None, None] * rows
    phase = rng.uniform(0, 2 * np.pi, count)[:, None, None]
    grey = 0.5 + 0.35 * np.sin(waves * rng.uniform(0.6, 1.1, count)[:, None, None] + phase)
    colour = rng.uniform(0.4, 1.0, (count, 3, 1, 1))
    noisy = grey[:, None] * colour + rng.normal(0, 0.06, (count, 3, SIZE, SIZE))
    return np.clip(noisy, 0, 1).astype(np.float32), labels.astype(np.int64)


def series(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Sums of sines of six speeds over eight channels: float32 [count, 24, 8], int64 [count]."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    time = np.arange(STEPS)[None, :, None]
    phase = rng.uniform(0, 2 * np.pi, (count, 1, FEATURES))
    waves = np.sin(time * (0.2 + 0.25 * labels)[:, None, None] + phase) * rng.uniform(0.5, 1.5, (count, 1, FEATURES))
    return (waves + rng.normal(0, 0.1, waves.shape)).astype(np.float32), labels.astype(np.int64)


def blurred(images: Any) -> Any:
    """Pictures at half the size, by 2x2 means: what the decoder learns to enlarge. [n, c, h, w] → [n, c, h/2, w/2]."""
    count, channels, height, width = images.shape
    return images.reshape(count, channels, height // 2, 2, width // 2, 2).mean(axis=(3, 5)).astype(np.float32)
