"""Discovery: which plugins there are, who said what, and which are quarantined with their reason.

A broken plugin costs only its own edges: whatever it raises while it is imported or asked is caught here, at the
border to strangers' code, and kept as the reason of its quarantine.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from edgeroute import hookspecs
from edgeroute.errors import EdgerouteError, PluginError

GROUP = "edgeroute"
API_VERSION = 1
"""Of the hooks and the nouns; a plugin may set `EDGEROUTE_API = 1`, and one made for another version is quarantined."""


@dataclass(frozen=True)
class Plugin:
    """One plugin as discovery found it."""

    name: str
    status: str
    """loaded, broken, shadowed or disabled."""
    origin: str = ""
    """Distribution and version, or the path of an inline file."""
    reason: str = ""
    module: ModuleType | None = field(default=None, compare=False, repr=False)
    code: tuple[tuple[str, str], ...] = ()
    """Top-level package → its folder or file: what the worker must be able to import."""


@dataclass(frozen=True)
class Said:
    """One answer of one plugin to one list-valued question."""

    plugin: Plugin
    items: tuple[Any, ...]


class Manager(pluggy.PluginManager):
    """Takes every function that is called `edgeroute_…` for an answer, decorated with `hookimpl` or not."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name.startswith("edgeroute_") and inspect.isfunction(getattr(plugin, name, None)):
            return {"hookwrapper": False, "wrapper": False, "optionalhook": False, "tryfirst": False, "trylast": False, "specname": None}
        return options


class Plugins:
    """The plugins of one session: no module-level state, so tests make their own."""

    def __init__(self, found: Sequence[Plugin]) -> None:
        self._manager = Manager("edgeroute")
        self._manager.add_hookspecs(hookspecs)
        self._plugins: dict[str, Plugin] = {}
        for plugin in found:
            self._add(plugin)

    @property
    def all(self) -> tuple[Plugin, ...]:
        return tuple(self._plugins.values())

    @property
    def loaded(self) -> tuple[Plugin, ...]:
        return tuple(p for p in self.all if p.status == "loaded")

    def ask(self, question: str) -> tuple[Said, ...]:
        """Every loaded plugin's answer to `formats`, `converters`, …; one that raises is quarantined."""
        answers = []
        for plugin in self.loaded:
            try:
                parts = self._one(plugin, question)
                answers.append(Said(plugin, tuple(item for part in parts for item in part)))
            except Exception as error:  # the border to strangers' code
                self.quarantine(plugin.name, f"edgeroute_{question}() raised {_describe(error)}")
        return tuple(answers)

    def first(self, question: str, **arguments: Any) -> Any:
        """The first answer that is not None; an EdgerouteError is an answer too, any other exception quarantines its plugin."""
        return next((answer for _, answer in self.each(question, **arguments)), None)

    def each(self, question: str, **arguments: Any) -> Iterator[tuple[Plugin, Any]]:
        """One plugin after the other with its answer, where it has one; `hookimpl(tryfirst=True)` is asked before all others."""
        for plugin in self._in_turn(question):
            try:
                answer = self._one(plugin, question, **arguments)
            except EdgerouteError:
                raise
            except Exception as error:  # the border to strangers' code
                self.quarantine(plugin.name, f"edgeroute_{question}() raised {_describe(error)}")
                continue
            for item in answer if isinstance(answer, list) else [answer]:
                if item is not None:
                    yield plugin, item

    def _in_turn(self, question: str) -> list[Plugin]:
        """The loaded plugins as they were found, but those first that ask for it (a special case of another's files), and those last."""
        said = {impl.plugin: impl for impl in getattr(self._manager.hook, f"edgeroute_{question}").get_hookimpls()}
        turns = {p.name: said.get(p.module) for p in self.loaded}
        return sorted(self.loaded, key=lambda p: 0 if (i := turns[p.name]) is None else i.trylast - i.tryfirst)

    def _one(self, plugin: Plugin, question: str, **arguments: Any) -> Any:
        """Ask a single plugin; pluggy hands it only the arguments that it wants."""
        others = [p.module for p in self.loaded if p.name != plugin.name]
        return self._manager.subset_hook_caller(f"edgeroute_{question}", others)(**arguments)

    def quarantine(self, name: str, reason: str, status: str = "broken") -> None:
        """Take a plugin out, with its reason; everything else goes on."""
        plugin = self._plugins[name]
        if plugin.status == "loaded" and plugin.module is not None:
            self._manager.unregister(plugin.module)
        self._plugins[name] = Plugin(name, status, plugin.origin, reason, None, plugin.code)

    def _add(self, plugin: Plugin) -> None:
        earlier = self._plugins.get(plugin.name)
        if earlier is not None:
            name = f"{plugin.name}@{plugin.origin}"
            self._plugins[name] = Plugin(name, "shadowed", plugin.origin, f"the name {plugin.name} is taken by {earlier.origin}")
            return
        self._plugins[plugin.name] = plugin
        if plugin.status == "loaded" and plugin.module is not None:
            try:
                self._manager.register(plugin.module, name=plugin.name)
                self._manager.check_pending()
            except (pluggy.PluginValidationError, ValueError) as error:
                self.quarantine(plugin.name, f"it answers a question that edgeroute does not ask: {_describe(error)}")


def discover(inline: Iterable[Path] = (), disabled: Iterable[str] | None = None) -> Plugins:
    """Find the plugins of the entry-point group `edgeroute`, then the inline files; built-in ones come in like any other."""
    off = set(_disabled_by_environment() if disabled is None else disabled)
    entries = sorted(_entries(), key=_builtin_first)
    origins = _origins(entries)
    found = [_load(entry.name, origins.get(id(entry.dist), entry.value), off, entry.load) for entry in entries]
    found += [_load_file(path, off) for path in inline]
    return Plugins(found)


def declare(name: str, module: ModuleType) -> Plugins:
    """A session with a single plugin, made of a module: tests build a catalog with it in two lines."""
    return Plugins([Plugin(name, "loaded", "declared", module=module)])


def _entries() -> tuple[importlib.metadata.EntryPoint, ...]:
    return tuple(importlib.metadata.entry_points(group=GROUP))


def _builtin_first(entry: importlib.metadata.EntryPoint) -> tuple[bool, str]:
    return (not entry.value.startswith("edgeroute_plugins."), entry.name)


def _disabled_by_environment() -> set[str]:
    return {name.strip() for name in os.environ.get("EDGEROUTE_DISABLE", "").split(",") if name.strip()}


def _origins(entries: Iterable[importlib.metadata.EntryPoint]) -> dict[int, str]:
    """Identity of a distribution → its name and version; each is asked once, since that reads and parses a file."""
    distributions = {id(entry.dist): entry.dist for entry in entries if entry.dist}
    return {key: "{Name} {Version}".format_map(distribution.metadata) for key, distribution in distributions.items()}


def _load_file(path: Path, off: set[str]) -> Plugin:
    path = path.resolve()
    if path.is_dir() and (path / "plugin.py").is_file():
        return _load(path.name.removeprefix("edgeroute_"), str(path), off, lambda: import_folder(path))
    if not path.is_file():
        raise PluginError(
            f"there is no plugin {path}",
            remedy="give a .py file, or the folder of a package with a plugin.py, after --plugin",
            code="plugin-missing",
        )
    return _load(path.stem, str(path), off, lambda: import_file(path))


def _load(name: str, origin: str, off: set[str], load: Callable[[], Any]) -> Plugin:
    if name in off:
        return Plugin(name, "disabled", origin, "named in EDGEROUTE_DISABLE")
    try:
        module = load()
    except (Exception, SystemExit) as error:  # the border to strangers' code
        return Plugin(name, "broken", origin, f"its import raised {_describe(error)}")
    if not isinstance(module, ModuleType):
        return Plugin(name, "broken", origin, f"its entry point names {type(module).__name__}, not a module")
    wanted = getattr(module, "EDGEROUTE_API", API_VERSION)
    if wanted != API_VERSION:
        return Plugin(name, "broken", origin, f"it was made for plugin API {wanted}; this edgeroute has {API_VERSION}")
    return Plugin(name, "loaded", origin, module=module, code=code_of(module))


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


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text[:300]}"
