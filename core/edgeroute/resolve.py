"""`package.module:function` → the function, in this process; for preflights and promises, which import in milliseconds."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec, PathFinder
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


def folder_of(name: str) -> Path:
    """The folder that `package.module:factory` is imported from: the current one, else where this interpreter has the package. Imports nothing."""
    top, here = name.partition(":")[0].partition(".")[0], Path.cwd()
    for spec in (PathFinder.find_spec(top, [str(here)]), _installed(top)):
        if spec is not None and spec.has_location and spec.origin:
            return Path(spec.origin).parents[1 if spec.submodule_search_locations else 0]
    return here


def _installed(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
