"""Text with terminal colours → SVG."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

LINE, CHARACTER, MARGIN = 18.0, 7.83, 16.0
COLORS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff", "2": "#8b949e"}
ESCAPE = re.compile(r"\x1b\[([\d;]*)m")


def as_svg(text: str) -> str:
    """A dark terminal of as many columns and lines as the text has."""
    lines = text.rstrip("\n").split("\n")
    width = max(len(ESCAPE.sub("", line)) for line in lines) * CHARACTER + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    rows = "\n".join(_row(n, line) for n, line in enumerate(_each_with_its_style(lines)) if line.strip())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="A conversion in a terminal" viewBox="0 0 {width:.0f} {height:.0f}">\n'
        '<style>text{font:13px "DejaVu Sans Mono","Cascadia Mono",Menlo,Consolas,monospace;fill:#e6edf3;white-space:pre}</style>\n'
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n{rows}\n</svg>\n'
    )


def _each_with_its_style(lines: Sequence[str]) -> Iterator[str]:
    """A style goes on in the next line until it is reset."""
    style = ""
    for line in lines:
        yield style + line
        codes = ESCAPE.findall(style + line)
        style = f"\x1b[{codes[-1]}m" if codes and codes[-1] not in ("", "0") else ""


def _row(number: int, line: str) -> str:
    y = MARGIN + (number + 0.75) * LINE
    length = len(ESCAPE.sub("", line)) * CHARACTER
    spans = "".join(f"<tspan{style}>{escape(text)}</tspan>" if style else escape(text) for style, text in _spans(line))
    return f'<text xml:space="preserve" x="{MARGIN:.0f}" y="{y:.1f}" textLength="{length:.0f}">{spans}</text>'


def _spans(line: str) -> Iterator[tuple[str, str]]:
    style = ""
    for n, part in enumerate(ESCAPE.split(line)):
        if n % 2:
            style = _style(part)
        elif part:
            yield style, part


def _style(codes: str) -> str:
    """SVG attributes for the codes of one escape sequence."""
    kinds = codes.split(";")
    color = next((f' fill="{COLORS[k]}"' for k in kinds if k in COLORS), "")
    return color + (' font-weight="bold"' if "1" in kinds else "")
