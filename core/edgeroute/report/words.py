"""Numbers and names as people read them; names from files are made harmless first."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypeGuard

from edgeroute.types import Json

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move a terminal's cursor, turn the writing direction, or cannot be encoded."""
NOTHING = "–"
ACRONYMS: Mapping[str, str] = {
    "macs": "MACs",
    "sha256": "SHA-256",
    "op": "operator",
    "min": "minimum",
    "id": "ID",
    "db": "dB",
    "cpu": "CPU",
}


def clean(value: Json) -> str:
    """A value from a file as one line of printable text: control and direction characters become visible escapes."""
    text = value if isinstance(value, str) else str(value)
    return "".join(_visible(c) if unicodedata.category(c) in UNSAFE else c for c in text)


def _visible(character: str) -> str:
    code = ord(character)
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{{{code:x}}}")


def width(text: str) -> int:
    """How many columns a terminal needs for a clean text."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, columns: int) -> str:
    """A text of at most `columns` columns: its middle gives way, since names differ at their ends."""
    if width(text) <= columns:
        return text
    if columns <= 1:
        return "…"[:columns]
    tail = (columns - 1) * 3 // 5
    return _take(text, columns - 1 - tail) + "…" + _take(text[::-1], tail)[::-1]


def _take(text: str, columns: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return text[:index]
    return text


def is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def seconds(value: Json) -> str:
    """12.34 → `12.3 s`, 185 → `3 min 05 s`."""
    if not is_number(value):
        return NOTHING
    if value < 60:
        return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(value: Json) -> str:
    if not is_number(value) or not value:
        return NOTHING
    return f"{value / 1000:.1f} GB" if value >= 1000 else f"{value:.0f} MB"


def size(value: Json) -> str:
    """Bytes in decimal units."""
    if not is_number(value):
        return NOTHING
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}" if value < 999.5 * scale else f"{value / scale:.0f} {unit}"
    return f"{value:.0f} B"


def amount(value: Json) -> str:
    """A large count in three digits: 1234567 → `1.23 M`."""
    if not is_number(value):
        return NOTHING
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}" if value < 999.5 * scale else f"{value / scale:.0f} {unit}"
    return f"{value:.0f}"


def count(value: Json) -> str:
    return f"{value:,}" if is_number(value) else NOTHING


def decibels(value: Json) -> str:
    return f"{value:.1f} dB" if is_number(value) else NOTHING


def share(value: Json) -> str:
    """0..1 as per cent; what is more than nothing never reads 0 %."""
    if not is_number(value):
        return NOTHING
    if 0 < value < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= value < 1 else f"{value:.0%}".replace("%", " %")


def number(value: Json, digits: int = 3) -> str:
    if not is_number(value):
        return NOTHING
    return str(value) if isinstance(value, int) else f"{value:.{digits}g}"


def shape(value: Json) -> str:
    """[1, 3, None] → `1×3×?`."""
    if not isinstance(value, (list, tuple)):
        return NOTHING
    return "×".join("?" if d is None else str(d) for d in value) or "scalar"


def plural(many: int, noun: str) -> str:
    return f"{many:,} {noun}" if many == 1 else f"{many:,} {noun}s"


def listing(items: Iterable[Json], limit: int = 6) -> str:
    """The first items, and how many more there are."""
    texts = [clean(item) for item in items]
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def any_value(value: Json) -> str:
    """A plain JSON value of unknown meaning on one line."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return number(value, 4)
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return clean(value["name"]) + (f" #{value['index']}" if isinstance(value.get("index"), int) else "")
    if isinstance(value, dict):
        return listing((f"{k}: {any_value(v)}" for k, v in value.items()), 12)
    if isinstance(value, list):
        return listing((any_value(v) for v in value), 12)
    return clean(value)


def label(key: str) -> str:
    """A JSON key as a caption: `parameter_bytes` → `Parameter bytes`."""
    text = " ".join(ACRONYMS.get(word, word) for word in clean(key).split("_") if word)
    return text[:1].upper() + text[1:]
