"""What a report is made of, before it is text, Markdown or HTML.

Sections are built once from a result's JSON; the three renderers differ in how they show a block, never in what it says.
Every text in a block is clean (`words.clean`), none is escaped: escaping is the renderers' work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

GOOD, WARN, BAD, MUTED = "good", "warn", "bad", "muted"


@dataclass(frozen=True)
class Cell:
    """One value in a table or a list of pairs."""

    text: str
    tone: str = ""
    """good, warn, bad, muted, or empty."""
    bar: float | None = None
    """0..1: a bar behind the number, where the renderer can draw."""
    title: str = ""
    """What a pointer held over it tells."""
    badge: bool = False
    """A word of a small vocabulary, shown as a badge."""


@dataclass(frozen=True)
class Column:
    """A table's column; the least important are dropped first where a terminal is narrow."""

    title: str
    right: bool = False
    code: bool = False
    """The cells are names from files."""
    wide: bool = False
    """Not in the terminal."""
    prose: bool = False
    """Sentences: a terminal that is too narrow shows them in full under the row."""


@dataclass(frozen=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    folded: bool = False
    """Long and secondary: closed until the reader opens it; not in the terminal."""
    shown: int = 20
    """Rows in a terminal; the other renderers show them all."""


@dataclass(frozen=True)
class Pairs:
    """Names and values."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Prose:
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Command:
    """Something to type."""

    text: str


@dataclass(frozen=True)
class Item:
    """A finding: in order of weight, each with its remedy."""

    severity: str
    code: str
    message: str
    remedy: str
    where: str = ""
    cost: float = 0.0


@dataclass(frozen=True)
class Items:
    rows: tuple[Item, ...]


@dataclass(frozen=True)
class Figure:
    """A drawing: SVG for HTML (already escaped), Mermaid for Markdown, a line of text for the terminal."""

    svg: str
    text: str
    mermaid: str = ""
    caption: str = ""
    folded: str = ""
    """Large and secondary: its caption while it is closed."""


Block: TypeAlias = Table | Pairs | Prose | Command | Items | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; the id is stable, links may use it."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Tile:
    """One number at the top of a report."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    status: str
    tone: str
    tiles: tuple[Tile, ...] = ()
    sections: tuple[Section, ...] = field(default_factory=tuple)

    def section(self, id: str) -> Section | None:
        return next((s for s in self.sections if s.id == id), None)
