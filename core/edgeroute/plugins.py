"""Discovery: which plugins there are, who said what, and which are quarantined with their reason.

A broken plugin costs only its own edges: whatever it raises while it is imported or asked is caught here, at the
border to strangers' code, and kept as the reason of its quarantine.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.metadata
import inspect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from edgeroute import __version__, hookspecs
from edgeroute.distributions import canonical
from edgeroute.errors import EdgerouteError, PluginError
from edgeroute.importing import code_of, import_file, import_folder
from edgeroute.misfit import misfit
from edgeroute.requirements import unmet
from edgeroute.types import Recognition, ValidationReport

GROUP = "edgeroute"
DISABLED = "named in EDGEROUTE_DISABLE"
API_VERSION = 1
"""Of the hooks and the nouns; a plugin may set `EDGEROUTE_API = 1`, and one made for another version is quarantined."""


ANSWERS: Mapping[str, type] = {"recognize": Recognition, "capture": Path, "check": ValidationReport}
"""Question about a single thing → what its answer is, where a plugin has one."""


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


def _manager() -> Manager:
    manager = Manager("edgeroute")
    manager.add_hookspecs(hookspecs)
    return manager


class Plugins:
    """The plugins of one session: no module-level state, so tests make their own."""

    def __init__(self, found: Sequence[Plugin]) -> None:
        self._manager = _manager()
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
            except (Exception, SystemExit) as error:  # the border to strangers' code
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
            except (Exception, SystemExit) as error:  # the border to strangers' code
                self.quarantine(plugin.name, f"edgeroute_{question}() raised {_describe(error)}")
                continue
            for item in answer if isinstance(answer, list) else [answer]:
                if item is None:
                    continue
                nonsense = _nonsense(item, ANSWERS[question])
                if nonsense:
                    self.quarantine(plugin.name, f"edgeroute_{question}() answered {nonsense}")
                    break
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
                text = str(error).replace(f" in plugin {plugin.module!r}", "")
                self._forget(plugin.name, f"it does not answer as edgeroute asks: {' '.join(text.split())}")

    def _forget(self, name: str, reason: str) -> None:
        """Take out a plugin that was refused, which stays half registered: the others begin anew without it."""
        self._plugins[name] = dataclasses.replace(self._plugins[name], status="broken", reason=reason, module=None)
        self._manager = _manager()
        for plugin in self.loaded:
            self._manager.register(plugin.module, name=plugin.name)


def _nonsense(answer: object, wanted: type) -> str:
    if dataclasses.is_dataclass(wanted):
        return misfit(answer, (wanted,))
    return "" if isinstance(answer, wanted) else f"{type(answer).__name__} where {wanted.__name__} is wanted"


def discover(inline: Iterable[Path] = (), disabled: Iterable[str] | None = None) -> Plugins:
    """Find the plugins of the entry-point group `edgeroute`, then the inline files; built-in ones come in like any other."""
    off = {canonical(name): name for name in (_disabled_by_environment() if disabled is None else disabled)}
    entries = sorted(_entries(), key=_builtin_first)
    known = {key: (_origin(dist), _other_version(dist)) for key, dist in {id(e.dist): e.dist for e in entries if e.dist}.items()}
    found = []
    for entry in entries:
        origin, trouble = known.get(id(entry.dist), (entry.value, ""))
        found.append(_load(entry.name, origin, off, entry.load, trouble))
    found += [_load_file(path, off) for path in inline]
    return Plugins([*found, *_disabled_but_absent(off, [p.name for p in found])])


def declare(name: str, module: ModuleType) -> Plugins:
    """A session with a single plugin, made of a module: tests build a catalog with it in two lines."""
    return Plugins([Plugin(name, "loaded", "declared", module=module)])


def _entries() -> tuple[importlib.metadata.EntryPoint, ...]:
    return tuple(importlib.metadata.entry_points(group=GROUP))


def _builtin_first(entry: importlib.metadata.EntryPoint) -> tuple[bool, str]:
    return (not entry.value.startswith("edgeroute_plugins."), entry.name)


def _disabled_but_absent(off: Mapping[str, str], found: Sequence[str]) -> Iterator[Plugin]:
    """A name that was to be left out and is not there, by a slip perhaps, is not passed over in silence."""
    known = {canonical(name) for name in found}
    for key, name in off.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            yield Plugin(name, "disabled", "", f"{DISABLED}, but there is no such plugin{f': did you mean {near[0]}?' if near else ''}")


def _disabled_by_environment() -> set[str]:
    return {name.strip() for name in os.environ.get("EDGEROUTE_DISABLE", "").split(",") if name.strip()}


def _origin(distribution: importlib.metadata.Distribution) -> str:
    return "{Name} {Version}".format_map(distribution.metadata)


def _other_version(distribution: importlib.metadata.Distribution) -> str:
    """Why a distribution does not go with this edgeroute, by its own requirements: pip installs an upgrade all the same."""
    wanted = [r for r in distribution.requires or () if re.match(r"edgeroute(?![\w.-])", r)]
    try:
        missing = unmet(wanted, {"edgeroute": __version__})
    except PluginError as error:
        return error.message
    return f"{_origin(distribution)} needs another version of edgeroute: {missing[0]}" if missing else ""


def _load_file(path: Path, off: Mapping[str, str]) -> Plugin:
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


def _load(name: str, origin: str, off: Mapping[str, str], load: Callable[[], Any], trouble: str = "") -> Plugin:
    if canonical(name) in off:
        return Plugin(name, "disabled", origin, DISABLED)
    if trouble:
        return Plugin(name, "broken", origin, trouble)
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


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text[:300]}"
