"""What several sub-commands share: opening the workshop, printing, progress."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from edgeroute.progress import Progress, silent
from edgeroute.types import to_json
from edgeroute.workshop import Workshop, open_workshop

WIDEST = 100
"""Columns of prose, and of everything where there is no terminal."""
BROADEST = 140
NARROW = 20
"""Columns that a table's last column needs at least, where it holds more than a word."""


def duration(text: str) -> float:
    """An option's seconds: a number above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0 seconds")
    return seconds


def megabytes(text: str) -> int:
    """An option's megabytes; 0 stands for no limit."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of megabytes")
    return int(text)


class Look(TypedDict):
    """What the renderers of reports take."""

    color: bool
    width: int


def workshop(arguments: argparse.Namespace) -> Workshop:
    """The session that the common options describe."""
    return open_workshop([*_configured(), *map(Path, arguments.plugin)], offline=arguments.offline, progress=progress())


def emit(value: object) -> None:
    """Print one JSON document on stdout."""
    print(json.dumps(to_json(value), indent=1))


def say(text: str) -> None:
    """Print data for a person on stdout."""
    print(text)


def colored() -> bool:
    """Whether stdout is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def width(widest: int = WIDEST) -> int:
    """Columns of the terminal (`COLUMNS`, else its own), between 40 and what one can read."""
    return max(40, min(shutil.get_terminal_size((WIDEST, 24)).columns, widest))


def look() -> Look:
    """How documents are rendered here."""
    return {"color": colored(), "width": width()}


def progress() -> Progress:
    """A line on stderr that is rewritten, only on a terminal."""
    return Line().show if sys.stderr.isatty() else silent


class Line:
    """The current work in one line, and a line that stays for every piece of work that ended."""

    def __init__(self) -> None:
        self._text = ""
        self._started = time.monotonic()

    def show(self, text: str, fraction: float | None = None) -> None:
        if text != self._text:
            self._close()
            self._text, self._started = text, time.monotonic()
        share = f" {fraction:4.0%}" if fraction is not None else ""
        seconds = time.monotonic() - self._started
        print(f"\r\x1b[K  {text[: width() - 16]}{share} {seconds:5.1f} s", end="", file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._text:
            print(f"\r\x1b[K✓ {self._text[: width() - 10]} {time.monotonic() - self._started:.1f} s", file=sys.stderr)


def _configured() -> list[Path]:
    """The files of `[tool.edgeroute] plugins` in the pyproject.toml of the current folder."""
    file = Path("pyproject.toml")
    if not file.is_file():
        return []
    import tomllib

    from edgeroute.errors import UsageError

    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"pyproject.toml is no TOML: {error}", remedy="mend it, or run edgeroute in another folder", where=str(file.resolve())
        ) from error
    table = tool.get("edgeroute", {}) if isinstance(tool, dict) else {}
    named = table.get("plugins", []) if isinstance(table, dict) and table.keys() <= {"plugins"} else None
    if not isinstance(named, list) or not all(isinstance(p, str) for p in named):
        raise UsageError(
            "[tool.edgeroute] of pyproject.toml is not understood",
            remedy='write plugins = ["my_plugin.py"] in it, and nothing else',
            where=str(file.resolve()),
        )
    return [Path(p) for p in named]


def wrap(text: str, indent: str = "") -> str:
    """A paragraph as wide as the terminal; `indent` stands before all lines but the first."""
    return textwrap.fill(text, width(), subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def table(rows: Sequence[tuple[str, ...]], heads: tuple[str, ...]) -> str:
    """Columns as wide as their widest cell; the last one is wrapped, and stands under its row where the others leave too little room."""
    room = width(BROADEST)
    widths = [max(len(r[i]) for r in [heads, *rows]) for i in range(len(heads) - 1)]
    indent = sum(widths) + 2 * len(widths)
    if room - indent < min(NARROW, max(len(r[-1]) for r in [heads, *rows])):
        return "\n".join(line for row in rows for line in _stacked(row, room))
    lines = [_cells(heads, widths), "  ".join("-" * w for w in [*widths, min(room - indent, max(len(r[-1]) for r in [heads, *rows]))])]
    for row in rows:
        first, *more = _wrapped(row[-1], room - indent) or [""]
        lines += [_cells((*row[:-1], first), widths), *(" " * indent + line for line in more)]
    return "\n".join(lines)


def _wrapped(text: str, columns: int) -> list[str]:
    """Lines of whole words: a path or an address stays in one piece, to be copied."""
    return textwrap.wrap(text, columns, break_on_hyphens=False, break_long_words=False)


def _cells(row: tuple[str, ...], widths: Sequence[int]) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]).rstrip()


def _stacked(row: tuple[str, ...], room: int) -> list[str]:
    """A row where there is no room for columns: its name, and the rest under it."""
    wrapped = [_wrapped(cell, room - 4) for cell in row[1:] if cell]
    return [row[0], *("    " + line for cell in wrapped for line in cell)]
