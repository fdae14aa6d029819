"""Writing files so that a reader sees the old one or the new one, never half of it. Standard library only."""

from __future__ import annotations

import json
import os
from pathlib import Path

from edgeroute.types import Json


def write_text(path: Path, text: str) -> None:
    """Replace a file atomically; its folder must exist."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def write_json(path: Path, value: Json) -> None:
    """Replace a JSON file atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Json:
    """What a JSON file of ours holds; None when it is missing or damaged, so that it is made anew."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
