"""Small pieces of SVG that several drawings use."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from edgeroute.report.layout import Point


def curve(points: Sequence[Point], *, vertical: bool = False) -> str:
    """A path through points that leaves and enters each of them along the drawing's direction."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if abs((x0 - x1) if vertical else (y0 - y1)) < 0.5:
            text += f"L{x1:.1f} {y1:.1f}"
        elif vertical:
            bend = (y1 - y0) / 2
            text += f"C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
        else:
            bend = (x1 - x0) / 2
            text += f"C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    return text
