"""Guesses the layout of an image tensor from its shape alone, where the graph gives no better evidence."""

from __future__ import annotations

from collections.abc import Sequence

IMAGE_CHANNELS = (1, 3, 4)


def guess_layout(shape: Sequence[int | None]) -> str:
    """NCHW, NHWC, or empty where a 4-D shape does not tell (or where it has another rank)."""
    if len(shape) != 4:
        return ""
    _, second, third, last = shape
    first = second in IMAGE_CHANNELS and 1 not in (third, last)
    behind = last in IMAGE_CHANNELS and 1 not in (second, third)
    if first != behind:
        return "NCHW" if first else "NHWC"
    if second == third and last != third:
        return "NHWC"
    return "NCHW" if third == last and second != third else ""
