"""Where operators run, as a picture: one cell per operator in running order, a column over it for its MACs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from html import escape

from edgeroute.report import words
from edgeroute.types import Json

WIDTH = 960.0
CELL = 14.0
SKY = 46.0
ROW_GAP = 30.0
PLACES: Mapping[str, str] = {"accelerator": "on the accelerator", "cpu": "on the CPU"}


def operator_strip(operators: Sequence[Mapping[str, Json]]) -> str:
    """SVG; the height of a column is the square root of its share of the largest operator's MACs."""
    per_row = _per_row(len(operators))
    most = max((float(o.get("macs") or 0) for o in operators), default=0.0) or 1.0
    lines = [operators[i : i + per_row] for i in range(0, len(operators), per_row)]
    height = len(lines) * (SKY + CELL + ROW_GAP)
    body = "".join(
        _line(line, number * (SKY + CELL + ROW_GAP), WIDTH / per_row, most, number * per_row) for number, line in enumerate(lines)
    )
    return (
        f'<svg class="strip" role="img" aria-label="Operators and where they run" viewBox="0 0 {WIDTH:.0f} {height:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg">{HATCH}{body}</svg>'
    )


HATCH = (
    '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-ground" width="5" height="5"/><rect class="hatch-line" width="2" height="5"/></pattern></defs>'
)


def _per_row(many: int) -> int:
    """Cells stay between 12 and 32 pixels wide."""
    return max(30, min(80, -(-many // max(1, round(many / 64)))))


def _line(line: Sequence[Mapping[str, Json]], top: float, pitch: float, most: float, offset: int) -> str:
    base = top + SKY
    body = "".join(_operator(o, offset + i, i * pitch, base, pitch - 2, most) for i, o in enumerate(line))
    ground = f'<line class="ground" x1="0" x2="{len(line) * pitch - 2:.1f}" y1="{base:.1f}" y2="{base:.1f}"/>'
    return ground + body + _partitions(line, base + CELL, pitch)


def _operator(operator: Mapping[str, Json], position: int, x: float, base: float, width: float, most: float) -> str:
    macs = float(operator.get("macs") or 0)
    tall = SKY * 0.92 * (macs / most) ** 0.5
    place = str(operator.get("runs") or "unknown")
    kind = place if place in ("accelerator", "cpu", "refused") else "unknown"
    number, name = operator.get("index", position), words.clean(operator.get("name", ""))
    why = words.clean(operator.get("why") or "")
    hint = f"{number}  {name}\n{words.clean(place)}, {words.amount(macs)} MACs" + (f"\n{why}" if why else "")
    cross = f'<path class="cross" d="M{x + width / 2 - 3:.1f} {base + 5:.1f}l6 6m0 -6l-6 6"/>' if kind == "refused" else ""
    return (
        f'<g class="op {kind}"><title>{escape(hint)}</title><rect class="hit" x="{x:.1f}" y="{base - SKY:.1f}" width="{width:.1f}" height="{SKY + CELL:.1f}"/>'
        f'<rect class="sky" x="{x:.1f}" y="{base - tall:.1f}" width="{width:.1f}" height="{tall:.1f}"/>'
        f'<rect class="cell" x="{x:.1f}" y="{base + 2:.1f}" width="{width:.1f}" height="{CELL - 2:.1f}" rx="2"/>{cross}</g>'
    )


def _partitions(line: Sequence[Mapping[str, Json]], base: float, pitch: float) -> str:
    """A bracket under every unbroken run of operators at one place, with what and how many."""
    body, start = "", 0
    for place, group in itertools.groupby(line, key=lambda o: str(o.get("runs") or "unknown")):
        many = len(list(group))
        x, width = start * pitch, many * pitch - 2
        body += f'<path class="bracket" d="M{x:.1f} {base + 3:.1f}v3h{width:.1f}v-3"/>'
        if width > 110:
            text = f"{many} {PLACES.get(place, words.clean(place))}"
            body += f'<text x="{x + width / 2:.1f}" y="{base + 18:.1f}">{escape(text)}</text>'
        start += many
    return body
