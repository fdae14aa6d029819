"""Documents as plain text for a terminal of 100 columns; colour only when asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import Block, Cell, Column, Command, Document, Figure, Items, Pairs, Prose, Section, Table

WIDTH = 100
SHOWN_ITEMS = 20
"""Findings in a terminal; a report holds them all."""
ANSI: Mapping[str, str] = {"good": "32", "warn": "33", "bad": "31", "muted": "2", "strong": "1", "heading": "1;36", "command": "36"}
SEVERITY_TONES: Mapping[str, str] = {"error": "bad", "warning": "warn", "tip": "muted"}


class Painter:
    """Adds colour, or does not."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, tone: str) -> str:
        code = ANSI.get(tone) if self.color and text else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text


def render(document: Document, *, color: bool = False, width: int = WIDTH, only: Sequence[str] = (), titled: bool = True) -> str:
    """A document, or those of its sections whose ids are in `only`, in that order."""
    paint = Painter(color)
    sections = [s for s in map(document.section, only) if s] if only else list(document.sections)
    head = _head(document, paint, width) if titled else ""
    return head + "".join(_section(s, paint, width) for s in sections if s.blocks)


def _head(document: Document, paint: Painter, width: int) -> str:
    status = paint(document.status, document.tone)
    lines = [f"{paint(words.shorten(document.title, width - len(document.status) - 2), 'strong')}  {status}"]
    lines += [f"  {words.shorten(document.subtitle, width - 2)}"] if document.subtitle else []
    tiles = [f"{t.label.lower()} {paint(t.value, t.tone)}" + (f" ({t.note})" if t.note else "") for t in document.tiles]
    return "\n".join([*lines, *_flow(tiles, document, width)]) + "\n"


def _flow(painted: Sequence[str], document: Document, width: int) -> list[str]:
    """Tiles on as few lines as they fit; widths are counted without the colours."""
    plain = [f"{t.label.lower()} {t.value}" + (f" ({t.note})" if t.note else "") for t in document.tiles]
    lines: list[str] = []
    used = width
    for shown, bare in zip(painted, plain, strict=True):
        if used + words.width(bare) + 3 > width:
            lines.append(f"  {shown}")
            used = 2 + words.width(bare)
        else:
            lines[-1] += f" · {shown}"
            used += words.width(bare) + 3
    return lines


def _section(section: Section, paint: Painter, width: int) -> str:
    bodies = [text for text in (_block(b, paint, width - 2) for b in section.blocks) if text]
    body = "\n".join(bodies)
    return f"\n{paint(section.title, 'heading')}\n{textwrap.indent(body, '  ', lambda line: bool(line.strip()))}\n" if bodies else ""


def _block(block: Block, paint: Painter, width: int) -> str:
    match block:
        case Table():
            return "" if block.folded else table(block, paint, width)
        case Pairs():
            return _pairs(block, paint, width)
        case Prose():
            return paint(_wrap(block.text, width), block.tone)
        case Command():
            return paint(f"$ {block.text}", "command")
        case Items():
            return "\n".join(_item_lines(block, paint, width))
        case Figure():
            return _wrap(block.text, width) if block.text else ""


def _wrap(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=True)


def _pairs(block: Pairs, paint: Painter, width: int) -> str:
    left = min(32, max((words.width(name) for name, _ in block.rows), default=0))
    lines = []
    for name, cell in block.rows:
        first, *more = textwrap.wrap(cell.text, width - left - 2, break_on_hyphens=False) or [""]
        lines.append(f"{_pad(words.shorten(name, left), left)}  {paint(first, cell.tone)}")
        lines += [f"{' ' * (left + 2)}{paint(line, cell.tone)}" for line in more]
    return "\n".join(lines)


def _item_lines(block: Items, paint: Painter, width: int) -> list[str]:
    lines: list[str] = []
    for item in block.rows[:SHOWN_ITEMS]:
        where = f" ({item.where})" if item.where else ""
        tone = SEVERITY_TONES.get(item.severity, "")
        text = textwrap.wrap(f"{item.severity} {item.code}: {item.message}{where}", width, subsequent_indent="  ", break_on_hyphens=False)
        head = f"{item.severity} {item.code}:"
        lines += [paint(head, tone) + text[0][len(head) :] if text[0].startswith(head) else text[0], *text[1:]]
        lines += textwrap.wrap(f"→ {item.remedy}", width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    if len(block.rows) > SHOWN_ITEMS:
        lines.append(f"… and {len(block.rows) - SHOWN_ITEMS} more: `--report report.html` holds them all")
    return lines


def table(block: Table, paint: Painter, width: int) -> str:
    """Columns padded to their widest cell; sentences that do not fit go under their row, then the widest names give way."""
    kept = [i for i, c in enumerate(block.columns) if not c.wide and _says_something(block, i)]
    if not kept:
        return ""
    under = [i for i in kept if block.columns[i].prose] if sum(_widths(block, kept)) + 2 * (len(kept) - 1) > width else []
    kept = [i for i in kept if i not in under]
    columns, sizes = [block.columns[i] for i in kept], _fit(_widths(block, kept), width)
    lines = [paint(f"{block.caption}:", "muted")] if block.caption else []
    lines.append(paint(_row([Cell(c.title) for c in columns], columns, sizes, Painter(False)), "muted"))
    for row in block.rows[: block.shown]:
        lines += _alone(row[kept[0]], paint, width) if len(kept) == 1 else [_row([row[i] for i in kept], columns, sizes, paint)]
        lines += [line for n, i in enumerate(under) for line in _under(row[i], n, paint, width)]
    if len(block.rows) > block.shown:
        lines.append(paint(f"… and {len(block.rows) - block.shown} more", "muted"))
    return "\n".join(line.rstrip() for line in lines)


def _alone(cell: Cell, paint: Painter, width: int) -> list[str]:
    """A row of one cell may take several lines."""
    return [paint(line, cell.tone) for line in textwrap.wrap(cell.text, width, subsequent_indent="  ", break_on_hyphens=False)]


def _says_something(block: Table, column: int) -> bool:
    return not block.columns[column].title or any(row[column].text not in ("", words.NOTHING) for row in block.rows[: block.shown])


def _widths(block: Table, kept: Sequence[int]) -> list[int]:
    rows = block.rows[: block.shown]
    return [max(words.width(block.columns[i].title), *(words.width(row[i].text) for row in rows)) for i in kept]


def _under(cell: Cell, order: int, paint: Painter, width: int) -> list[str]:
    """A sentence under its row; the second one is the remedy."""
    if cell.text in ("", words.NOTHING):
        return []
    lead = "    → " if order else "    "
    return [
        paint(line, cell.tone)
        for line in textwrap.wrap(cell.text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
    ]


def _fit(widths: Sequence[int], width: int) -> list[int]:
    sizes = list(widths)
    room = width - 2 * (len(sizes) - 1)
    while sum(sizes) > room and max(sizes) > 4:
        sizes[sizes.index(max(sizes))] -= 1
    return sizes


def _row(cells: Sequence[Cell], columns: Sequence[Column], sizes: Sequence[int], paint: Painter) -> str:
    parts = []
    for cell, column, size in zip(cells, columns, sizes, strict=True):
        text = words.shorten(cell.text, size)
        gap = " " * (size - words.width(text))
        parts.append(gap + paint(text, cell.tone) if column.right else paint(text, cell.tone) + gap)
    return "  ".join(parts)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - words.width(text))


def render_section(section: Section, *, color: bool = False, width: int = WIDTH) -> str:
    """One section by itself."""
    return _section(section, Painter(color), width).lstrip("\n")
