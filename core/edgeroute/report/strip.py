"""Where operators run, as pictures: a strip in running order, and the graph itself."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from html import escape

from edgeroute.report import words
from edgeroute.report.layout import Box, lay_out
from edgeroute.report.shapes import curve
from edgeroute.types import Json

WIDTH = 960.0
CELL = 14.0
SKY = 46.0
ROW_GAP = 30.0
PLACES: Mapping[str, str] = {"accelerator": "on the accelerator", "cpu": "on the CPU"}


def operator_strip(operators: Sequence[Mapping[str, Json]]) -> str:
    """SVG: one cell per operator; the height of a column is the square root of its share of the largest operator's MACs."""
    per_row = _per_row(len(operators))
    most = max((float(o["macs"]) for o in operators), default=0.0) or 1.0
    lines = [operators[i : i + per_row] for i in range(0, len(operators), per_row)]
    pitch, step = WIDTH / per_row, SKY + CELL + ROW_GAP
    body = "".join(_line(line, number * step, pitch, most) for number, line in enumerate(lines))
    return (
        f'<svg class="strip" role="img" aria-label="Operators and where they run" viewBox="0 0 {WIDTH:.0f} {len(lines) * step - 8:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg">{HATCH}{body}</svg>'
    )


HATCH = (
    '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-ground" width="5" height="5"/><rect class="hatch-line" width="2" height="5"/></pattern></defs>'
)


def _per_row(many: int) -> int:
    """Cells stay between 12 and 44 pixels wide."""
    return max(22, min(80, -(-many // max(1, round(many / 64)))))


def _line(line: Sequence[Mapping[str, Json]], top: float, pitch: float, most: float) -> str:
    base = top + SKY
    body = "".join(_operator(o, i * pitch, base, pitch - 2, most) for i, o in enumerate(line))
    ground = f'<line class="ground" x1="0" x2="{len(line) * pitch - 2:.1f}" y1="{base:.1f}" y2="{base:.1f}"/>'
    return ground + body + _runs(line, base + CELL, pitch)


def _kind(operator: Mapping[str, Json]) -> str:
    return str(operator["runs"]) if operator["runs"] in ("accelerator", "cpu", "refused") else "unknown"


def _hint(operator: Mapping[str, Json]) -> str:
    lines = [
        f"{operator['index']}  {words.clean(operator['name'])}",
        f"{words.clean(operator['runs'])}, {words.amount(operator['macs'])} MACs",
    ]
    return "\n".join([*lines, words.clean(operator["why"])] if operator["why"] else lines)


def _operator(operator: Mapping[str, Json], x: float, base: float, width: float, most: float) -> str:
    tall = SKY * 0.92 * (float(operator["macs"]) / most) ** 0.5
    kind = _kind(operator)
    cross = f'<path class="cross" d="M{x + width / 2 - 3:.1f} {base + 5:.1f}l6 6m0 -6l-6 6"/>' if kind == "refused" else ""
    return (
        f'<g class="op {kind}"><title>{escape(_hint(operator))}</title>'
        f'<rect class="hit" x="{x:.1f}" y="{base - SKY:.1f}" width="{width:.1f}" height="{SKY + CELL:.1f}"/>'
        f'<rect class="sky" x="{x:.1f}" y="{base - tall:.1f}" width="{width:.1f}" height="{tall:.1f}"/>'
        f'<rect class="cell" x="{x:.1f}" y="{base + 2:.1f}" width="{width:.1f}" height="{CELL - 2:.1f}" rx="2"/>{cross}</g>'
    )


def _runs(line: Sequence[Mapping[str, Json]], base: float, pitch: float) -> str:
    """A bracket under every unbroken run of operators at one place, with how many they are."""
    body, start = "", 0
    for place, group in itertools.groupby(line, key=lambda o: str(o["runs"])):
        many = len(list(group))
        x, width = start * pitch, many * pitch - 2
        body += f'<path class="bracket" d="M{x:.1f} {base + 3:.1f}v3h{width:.1f}v-3"/>'
        if width > 110:
            text = f"{many} {PLACES.get(place, words.clean(place))}"
            body += f'<text x="{x + width / 2:.1f}" y="{base + 18:.1f}">{escape(text)}</text>'
        start += many
    return body


NODE_HEIGHT = 24.0
NAME_WIDTH = 24


def operator_graph(operators: Sequence[Mapping[str, Json]]) -> str:
    """SVG from top to bottom: the model's own graph, every operator in the colour of its place."""
    known = {o["index"]: o for o in operators}
    sizes = {str(i): (_node_width(o), NODE_HEIGHT) for i, o in known.items()}
    edges = [(str(before), str(i)) for i, o in known.items() for before in o["after"] if before in known]
    layout = lay_out(sizes, edges, vertical=True)
    wires = "".join(f'<path d="{curve(layout.paths[e], vertical=True)}"/>' for e in dict.fromkeys(edges) if e in layout.paths)
    boxes = "".join(_node(known[i], layout.boxes[str(i)]) for i in known)
    width, height = layout.width + 16, layout.height + 16
    return (
        f'<svg class="network" role="img" aria-label="The graph of operators and where they run" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="-8 -8 {width:.0f} {height:.0f}" xmlns="http://www.w3.org/2000/svg">{HATCH}<g class="wires">{wires}</g>{boxes}</svg>'
    )


def _node_name(operator: Mapping[str, Json]) -> str:
    return words.shorten(f"{operator['index']} {words.clean(operator['name'])}", NAME_WIDTH)


def _node_width(operator: Mapping[str, Json]) -> float:
    return words.width(_node_name(operator)) * 6.7 + 20


def _node(operator: Mapping[str, Json], box: Box) -> str:
    return (
        f'<g class="op {_kind(operator)}"><title>{escape(_hint(operator))}</title>'
        f'<rect class="node" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>'
        f'<text x="{box.x + box.width / 2:.1f}" y="{box.y + 16:.1f}">{escape(_node_name(operator))}</text></g>'
    )
