"""What a user names with `--model package.module:factory`; imported in the torch environment only."""

from __future__ import annotations

from typing import Any

from .torch_nets import NETS


def build(name: str = "depthwise") -> Any:
    """A network by name, untrained."""
    return NETS[name]()


def broken() -> Any:
    """A factory that fails."""
    raise ValueError("no such backbone")


def nothing() -> Any:
    """A factory that forgets to return."""
