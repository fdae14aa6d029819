"""`package.module:function` → the function, in this process; for preflights and promises, which import in milliseconds."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, TypeVar

from edgeroute.errors import PluginError

T = TypeVar("T")


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


def ask(name: str, kind: type[T], *arguments: Any) -> list[T]:
    """The list that a preflight or a promise answers. Raises PluginError where it is not there, raises itself, or answers nonsense."""
    function = resolve_function(name)
    try:
        answer = function(*arguments)
    except (Exception, SystemExit) as error:  # the border to strangers' code
        raise _failed(name, f"raised {type(error).__name__}: {error}") from error
    if not isinstance(answer, (list, tuple)) or not all(isinstance(item, kind) for item in answer):
        raise _failed(name, f"answered {answer!r:.60} where a list of {kind.__name__} is wanted")
    return list(answer)


def _failed(name: str, how: str) -> PluginError:
    return PluginError(f"{name} {how}", remedy="tell the author of the plugin; `edgeroute plugins` shows whose it is", code="plugin-failed")


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
