"""How something of the plugin API goes: it warns for one release, and says what takes its place. Standard library only."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class EdgerouteDeprecation(DeprecationWarning):
    """Something that the next minor release will not have; shown by pytest, and by Python in `__main__`."""


def deprecated(since: str, gone: str, instead: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function: calling it warns that it is deprecated `since` a release and `gone` in another, and what to use `instead`."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        name = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> R:
            warn(name, since, gone, instead, depth=3)
            return function(*args, **kwargs)

        told.__deprecated__ = sentence(name, since, gone, instead)  # type: ignore[attr-defined]
        return told

    return mark


def warn(name: str, since: str, gone: str, instead: str, *, depth: int = 2) -> None:
    """Warn at the caller's line, for what is no function: a field, an option, a spelling."""
    warnings.warn(sentence(name, since, gone, instead), EdgerouteDeprecation, stacklevel=depth)


def sentence(name: str, since: str, gone: str, instead: str) -> str:
    return f"{name} is deprecated since edgeroute {since} and will be gone in {gone}; use {instead}"
