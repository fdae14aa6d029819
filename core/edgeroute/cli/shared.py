"""What several sub-commands share: opening the workshop, printing, progress."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edgeroute.progress import Progress, silent
from edgeroute.types import to_json
from edgeroute.workshop import Workshop, open_workshop


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
        print(f"\r\x1b[K  {text[:90]}{share} {seconds:5.1f} s", end="", file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._text:
            print(f"\r\x1b[K✓ {self._text[:90]} {time.monotonic() - self._started:.1f} s", file=sys.stderr)


def _configured() -> list[Path]:
    """The files of `[tool.edgeroute] plugins` in the pyproject.toml of the current folder."""
    file = Path("pyproject.toml")
    if not file.is_file():
        return []
    import tomllib

    from edgeroute.errors import UsageError

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("edgeroute", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"pyproject.toml is no TOML: {error}", remedy="mend it, or run edgeroute in another folder", where=str(file.resolve())
        ) from error
    return [Path(p) for p in table.get("plugins", [])]


def table(rows: Sequence[tuple[str, ...]], heads: tuple[str, ...]) -> str:
    """Columns as wide as their widest cell, the last one free."""
    widths = [max(len(r[i]) for r in [heads, *rows]) for i in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])
