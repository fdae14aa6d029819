"""Documents as Markdown, as GitHub shows it: tables, Mermaid, nothing that a hostile name could turn into markup."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgeroute.report.blocks import Block, Cell, Column, Command, Document, Figure, Item, Items, Pairs, Prose, Section, Table

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#$])")
BEGINNINGS = re.compile(r"^(\d*)([-+=.)])(?=\s|$)")
MARKS: Mapping[str, str] = {"error": "🛑", "warning": "⚠️", "tip": "💡"}


def render(document: Document) -> str:
    """A document as Markdown with the same section ids as the HTML report."""
    lines = [f"# {escape(document.title)}", "", f"**{escape(document.status)}** {escape(document.subtitle)}".rstrip(), ""]
    if document.tiles:
        lines += ["| " + " | ".join(escape(t.label) for t in document.tiles) + " |", "|" + " --- |" * len(document.tiles)]
        lines += ["| " + " | ".join(_tile(t.value, t.note) for t in document.tiles) + " |", ""]
    return "\n".join(lines) + "".join(_section(s) for s in document.sections if s.blocks)


def escape(text: str) -> str:
    """Clean text that reads as itself: no markup, no HTML, no entities."""
    return BEGINNINGS.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", text.replace("&", "&amp;")))


def _tile(value: str, note: str) -> str:
    return f"**{escape(value)}**" + (f" {escape(note)}" if note else "")


def _section(section: Section) -> str:
    bodies = [body for body in map(_block, section.blocks) if body]
    return f'\n<a id="{section.id}"></a>\n\n## {escape(section.title)}\n\n' + "\n\n".join(bodies) + "\n" if bodies else ""


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Pairs():
            return _rows((Column("What"), Column("Value")), [(Cell(name), cell) for name, cell in block.rows])
        case Prose():
            return escape(block.text)
        case Command():
            return _fenced(block.text, "sh")
        case Items():
            return "\n".join(_item(i) for i in block.rows)
        case Figure():
            return _fenced(block.mermaid, "mermaid") if block.mermaid else escape(block.text)


def _table(block: Table) -> str:
    if not block.rows:
        return ""
    body = _rows(block.columns, block.rows)
    if block.folded:
        return f"<details><summary>{escape(block.caption)}</summary>\n\n{body}\n\n</details>"
    return f"{escape(block.caption)}\n\n{body}" if block.caption else body


def _rows(columns: tuple[Column, ...], rows: object) -> str:
    assert isinstance(rows, (tuple, list))
    head = "| " + " | ".join(escape(c.title) or " " for c in columns) + " |"
    rule = "|" + "".join(" ---: |" if c.right else " --- |" for c in columns)
    body = ["| " + " | ".join(escape(cell.text) or " " for cell in row) + " |" for row in rows]
    return "\n".join([head, rule, *body])


def _item(item: Item) -> str:
    where = f" ({escape(item.where)})" if item.where else ""
    mark = MARKS.get(item.severity, "")
    return f"- {mark} **{escape(item.severity)}** {escape(item.code)}: {escape(item.message)}{where}  \n  → {escape(item.remedy)}"


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
