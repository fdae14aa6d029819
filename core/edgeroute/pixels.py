"""What a camera's raw byte is to an integer input: the arithmetic behind rule TFL-015 and the sidecar's `pixel_identity`. Standard library only."""

from __future__ import annotations

from edgeroute.types import Preprocess


def pixel_error(dtype: str, scale: float, zero_point: int, training: Preprocess) -> int:
    """The largest |q(p) - p| over pixels 0..255 and channels (against p - 128 for int8): 0 means that raw pixels are right."""
    low = -128 if dtype == "int8" else 0
    channels = max(len(training.mean), len(training.std))
    pairs = {(training.mean[c % len(training.mean)], training.std[c % len(training.std)]) for c in range(channels)}
    return max(
        abs(min(max(round((pixel * training.scale - mean) / std / scale) + zero_point, low), low + 255) - (pixel + low))
        for pixel in range(256)
        for mean, std in pairs
    )
