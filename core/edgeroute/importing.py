"""Python files and folders that are not installed, imported as plugins; and where a module's code lies, for the worker."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from edgeroute.errors import PluginError


def import_file(path: Path) -> ModuleType:
    """Import a Python file, anew each time, under a name that its path decides, so that two files of one name do not meet."""
    taken = path.stem in sys.modules and getattr(sys.modules[path.stem], "__file__", None) != str(path)
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}" if taken else path.stem
    return _import(name, path)


def import_folder(path: Path) -> ModuleType:
    """Import `plugin.py` of a package that is not installed, anew each time, under the package's own name: the worker finds its neighbours."""
    if path.name in sys.modules and path not in map(Path, getattr(sys.modules[path.name], "__path__", ())):
        raise PluginError(f"a package {path.name} is imported already", remedy="rename the folder", code="plugin-missing")
    for name in [n for n in sys.modules if n == path.name or n.startswith(f"{path.name}.")]:
        del sys.modules[name]
    start = path / "__init__.py"
    _import(path.name, start, [str(path)]) if start.exists() else _import_namespace(path)
    return importlib.import_module(f"{path.name}.plugin")


def _import_namespace(path: Path) -> None:
    spec = importlib.machinery.ModuleSpec(path.name, None, is_package=True)
    spec.submodule_search_locations = [str(path)]
    sys.modules[path.name] = importlib.util.module_from_spec(spec)


def _import(name: str, path: Path, package: list[str] | None = None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=package)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file", remedy="give a .py file after --plugin", code="plugin-missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def code_of(module: ModuleType) -> tuple[tuple[str, str], ...]:
    """The top-level package of a module and where it lives, for the worker."""
    top = module.__name__.partition(".")[0]
    package = sys.modules.get(top, module)
    folders = list(getattr(package, "__path__", []))
    place = folders[0] if folders else getattr(package, "__file__", None)
    return ((top, str(place)),) if place else ()
