"""Charts as SVG: one scale each, every mark with its name and number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from edgeroute.report import words
from edgeroute.types import Json

WIDTH = 960.0
HEIGHT = 190.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 12.0, 26.0
MARKED = 0.1
"""Layers with at least this share of the loss are marked."""


def layer_chart(attribution: Sequence[Mapping[str, Json]]) -> str:
    """SQNR in dB along the layers, in the order given; empty where fewer than three were measured."""
    measured = [a for a in attribution if words.is_number(a.get("sqnr_db"))]
    if len(measured) < 3:
        return ""
    top = 10 * (int(max(float(a["sqnr_db"]) for a in measured)) // 10 + 1)
    bottom = min(0, 10 * (int(min(float(a["sqnr_db"]) for a in measured)) // 10))
    pitch = (WIDTH - LEFT - RIGHT) / len(measured)
    places = [(LEFT + (i + 0.5) * pitch, _height(float(a["sqnr_db"]), bottom, top)) for i, a in enumerate(measured)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    ground = _height(bottom, bottom, top)
    area = f"M{places[0][0]:.1f} {ground:.1f} L{line.replace(' ', ' L')} L{places[-1][0]:.1f} {ground:.1f} Z".replace(",", " ")
    marks = "".join(_mark(a, x, y, pitch) for a, (x, y) in zip(measured, places, strict=True))
    return (
        f'<svg class="chart" role="img" aria-label="SQNR along the layers" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" xmlns="http://www.w3.org/2000/svg">'
        f'{_grid(bottom, top)}<path class="area" d="{area}"/><polyline class="line" points="{line}"/>{marks}</svg>'
    )


def _height(value: float, bottom: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (top - value) / (top - bottom)


def _grid(bottom: int, top: int) -> str:
    step = 10 if top - bottom <= 60 else 20 if top - bottom <= 120 else 40
    lines = ""
    for value in range(bottom, top + 1, step):
        y = _height(value, bottom, top)
        lines += f'<line class="grid" x1="{LEFT:.0f}" x2="{WIDTH - RIGHT:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        lines += f'<text class="tick" x="{LEFT - 8:.0f}" y="{y + 4:.1f}">{value}{" dB" if value == top else ""}</text>'
    return lines + f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 6:.0f}">layers, from input to output</text>'


def _mark(entry: Mapping[str, Json], x: float, y: float, pitch: float) -> str:
    share = entry.get("share")
    text = f"{words.clean(entry.get('layer', ''))}\n{words.decibels(entry.get('sqnr_db'))}, {words.share(share)} of the loss"
    kind, radius = ("dot worst", 4.5) if words.is_number(share) and share >= MARKED else ("dot", 2.2)
    return (
        f'<g class="mark"><title>{escape(text)}</title><rect class="hit" x="{x - pitch / 2:.1f}" y="{TOP:.0f}" width="{pitch:.1f}" height="{HEIGHT - TOP - BOTTOM:.0f}"/>'
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/></g>'
    )
