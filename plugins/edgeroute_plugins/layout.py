"""Guesses the layout of an image tensor from its shape alone, where the graph gives no better evidence."""

from __future__ import annotations

from collections.abc import Sequence

IMAGE_CHANNELS = (1, 3, 4)


def guess_layout(shape: Sequence[int | None]) -> str:
    """NCHW, NHWC, or empty where a 4-D shape does not tell (or where it has another rank)."""
    if len(shape) != 4:
        return ""
    _, second, third, last = shape
    first, behind = second in IMAGE_CHANNELS, last in IMAGE_CHANNELS
    if first and not behind and 1 not in (third, last):
        return "NCHW"
    if behind and not first and third != 1:
        return "NHWC"
    if second == third and third not in (1, last):
        return "NHWC"
    return "NCHW" if third == last and third not in (1, second) else ""
