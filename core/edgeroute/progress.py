"""How long work tells what it is doing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, float | None], None]
"""Called with what is being done and the share that is done (0..1), or None where nobody knows."""


def silent(text: str, fraction: float | None) -> None:
    """The progress of somebody who does not want to hear it."""
