"""`package.module:function` → the function, in this process; for preflights and promises, which import in milliseconds."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgeroute.errors import PluginError


def resolve_function(name: str) -> Callable[..., Any]:
    """Raises PluginError where a plugin names something that is not there."""
    module, _, attribute = name.partition(":")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"a plugin names {name}, which is not there: {error}",
            remedy="`edgeroute plugins` shows whose it is; mend or disable it",
            code="plugin-dangling",
        ) from error
    return function


def call_with_paths(function: str, paths: Mapping[str, str], values: Mapping[str, Any] | None = None) -> Any:
    """Call in the worker what a plugin declares with `Path` arguments, which JSON does not know."""
    return resolve_function(function)(**{name: Path(path) for name, path in paths.items()}, **(values or {}))
