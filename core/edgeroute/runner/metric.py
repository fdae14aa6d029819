"""A user's own measure of a result; called in the worker."""

from __future__ import annotations

from edgeroute.resolve import resolve_function


def measure(function: str, path: str) -> float:
    """`package.module:function(path) -> float`, larger is better."""
    return float(resolve_function(function)(path))
