"""Documents as one self-contained HTML file: no network, light and dark, nothing from a file unescaped.

A content security policy in the page allows only the style and the one script that are in it, so that a name that slipped
through the escaping could still not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

from edgeroute.report.blocks import Block, Cell, Column, Command, Document, Figure, Item, Items, Pairs, Prose, Section, Table, Tile

ASSETS = Path(__file__).parent / "assets"
SHORT: Mapping[str, str] = {
    "layers": "Layers", "certificate": "Certificate", "placement": "Placement", "candidates": "Candidates", "rejected": "Rejected",
    "repeat": "Repeat", "next": "Next",
}  # fmt: skip
"""Titles in the bar at the top."""


@cache
def asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def render(document: Document) -> str:
    """A whole page; every section has its document's stable id."""
    sections = [s for s in document.sections if s.blocks]
    links = "".join(f'<a href="#{escape(s.id)}">{escape(SHORT.get(s.id, s.title))}</a>' for s in sections)
    return page(document.title, links, f"{head(document)}{''.join(map(section, sections))}", ("page.js",))


def page(title: str, links: str, body: str, scripts: Sequence[str], styles: Sequence[str] = ("style.css",)) -> str:
    """The frame of a page: policy, style, the bar at the top, the script at the end; `links` and `body` are HTML."""
    script, style = "\n".join(asset(s) for s in scripts), "\n".join(asset(s) for s in styles)
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{_digest(script)}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n<meta name="generator" content="edgeroute">\n'
        f'<title>{escape(title)} · edgeroute</title>\n<link rel="icon" href="data:,">\n<style>\n{style}</style>\n</head>\n<body>\n'
        f'<div class="bar-top"><span class="brand">edgeroute</span><nav>{links}</nav><button id="theme" type="button">Dark</button></div>\n'
        f"<main>\n{body}\n<footer>Written by edgeroute. This file needs no network.</footer>\n</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def head(document: Document) -> str:
    subtitle = f'<p class="subtitle code">{escape(document.subtitle)}</p>' if document.subtitle else ""
    tiles = f'<div class="tiles">{"".join(map(_tile, document.tiles))}</div>' if document.tiles else ""
    badge = f'<span class="badge {document.tone}">{escape(document.status)}</span>' if document.status else ""
    return f'<header class="head" id="summary"><h1>{escape(document.title)} {badge}</h1>{subtitle}{tiles}</header>\n'


def _tile(tile: Tile) -> str:
    return (
        f'<div class="tile"><div class="label">{escape(tile.label)}</div><div class="value {tile.tone}">{escape(tile.value)}</div>'
        f'<div class="note">{escape(tile.note)}</div></div>'
    )


def section(item: Section) -> str:
    blocks = "".join(map(block, item.blocks))
    return f'<section id="{escape(item.id)}"><h2><a href="#{escape(item.id)}">{escape(item.title)}</a></h2>{blocks}</section>\n'


def block(item: Block) -> str:
    """One block as HTML."""
    match item:
        case Table():
            return _table(item)
        case Pairs():
            return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{_value(cell)}</dd>' for name, cell in item.rows)}</dl>" if item.rows else ""
        case Prose():
            return f'<p class="{item.tone}">{escape(item.text)}</p>'
        case Command():
            return f'<div class="command"><code>{escape(item.text)}</code><button class="copy" type="button">Copy</button></div>'
        case Items():
            return f'<ul class="findings">{"".join(map(_finding, item.rows))}</ul>'
        case Figure():
            return _figure(item)


def _figure(figure: Figure) -> str:
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    if figure.folded:
        return f'<details><summary>{escape(figure.folded)}</summary><div class="scroll tall">{figure.svg}</div>{caption}</details>'
    return f'<figure><div class="scroll">{figure.svg}</div>{caption}</figure>'


def _table(table: Table) -> str:
    kept = [i for i, c in enumerate(table.columns) if not c.title or any(row[i].text for row in table.rows)]
    titles = "".join(f'<th class="{_classes(table.columns[i])}">{escape(table.columns[i].title)}</th>' for i in kept)
    body = "".join("<tr>" + "".join(_cell(row[i], table.columns[i]) for i in kept) + "</tr>" for row in table.rows)
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption and not table.folded else ""
    html = f'<div class="scroll"><table>{caption}<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'
    return f"<details><summary>{escape(table.caption)}</summary>{html}</details>" if table.folded else html


def _classes(column: Column) -> str:
    return " ".join(name for name in ("right", "code", "prose") if getattr(column, name))


def _cell(cell: Cell, column: Column) -> str:
    title = f' title="{escape(cell.title)}"' if cell.title else ""
    meter = f'<span class="meter"><i style="width:{100 * cell.bar:.1f}%"></i></span>' if cell.bar is not None else ""
    inner = f'<span class="measured">{meter}<span>{_value(cell)}</span></span>' if meter else _value(cell)
    return f'<td class="{_classes(column)}"{title}>{inner}</td>'


def _value(cell: Cell) -> str:
    if cell.badge and cell.text:
        return f'<span class="badge {cell.tone}">{escape(cell.text)}</span>'
    return f'<span class="{cell.tone}">{escape(cell.text)}</span>' if cell.tone else escape(cell.text)


TONES = {"error": "bad", "warning": "warn"}


def _finding(item: Item) -> str:
    tone = TONES.get(item.severity, "")
    kind = item.severity if item.severity in ("error", "warning", "tip") else "tip"
    where = f'<div class="where code">{escape(item.where)}</div>' if item.where else ""
    cost = f'<span class="cost">weight {item.cost:.2f}</span>' if item.cost else ""
    return (
        f'<li class="{kind}"><div class="top"><span class="badge {tone}">{escape(item.severity)}</span><code>{escape(item.code)}</code>{cost}</div>'
        f'<div class="what">{escape(item.message)}</div>{where}<div class="remedy">{escape(item.remedy)}</div></li>'
    )
