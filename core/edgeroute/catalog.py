"""Names → formats, converters, targets; refuses two owners of a name and dangling ends.

What does not fit quarantines the plugin that said it, and the catalog is built again from the others.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from edgeroute.answers import KINDS, first_fault
from edgeroute.errors import UsageError
from edgeroute.plugins import Plugins, Said
from edgeroute.types import Converter, Environment, Format, Runner, Target, Tool

Named = TypeVar("Named")


@dataclass(frozen=True)
class Catalog:
    """Everything that the planner and the runner may use; a value, built by hand in tests."""

    formats: Mapping[str, Format] = field(default_factory=dict)
    converters: tuple[Converter, ...] = ()
    targets: Mapping[str, Target] = field(default_factory=dict)
    environments: Mapping[str, Environment | Tool] = field(default_factory=dict)
    runners: tuple[Runner, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    """`kind:name` → the plugin that declared it."""
    code: Mapping[str, str] = field(default_factory=dict)
    """Top-level package → its place, for the worker."""

    def target(self, name: str) -> Target:
        return _get(self.targets, name, "target", "edgeroute list targets")

    def format(self, name: str) -> Format:
        return _get(self.formats, name, "format", "edgeroute list formats")

    def named(self, name: str) -> tuple[Converter, ...]:
        """The edges that go by a name (or the one edge that has it as its key)."""
        edges = tuple(c for c in self.converters if name in (c.name, c.key))
        if not edges:
            _get({c.name: c for c in self.converters}, name, "converter", "edgeroute list converters")
        return edges

    def runner(self, format_name: str) -> Runner | None:
        """What executes files of a format: its own runner first, then its general format's; who came first keeps a format, as he keeps a name."""
        lineage = self.lineage(format_name)
        for name in lineage:
            for runner in self.runners:
                if name in runner.formats:
                    return runner
        return None

    def lineage(self, format_name: str) -> tuple[str, ...]:
        """A format and what it is a special case of, nearest first."""
        names: list[str] = []
        while format_name and format_name not in names:
            names.append(format_name)
            format_name = self.formats[format_name].is_a if format_name in self.formats else ""
        return tuple(names)

    def is_a(self, format_name: str, general: str) -> bool:
        return general in self.lineage(format_name)


def build(plugins: Plugins) -> Catalog:
    """Ask every plugin, and quarantine those whose answers do not fit, until the rest fits."""
    while True:
        answers = {q: plugins.ask(q) for q in KINDS}
        fault = first_fault(answers)
        if fault is None:
            return _assemble(plugins, answers)
        plugins.quarantine(fault.plugin.name, fault.reason, fault.status)


def _assemble(plugins: Plugins, answers: Mapping[str, tuple[Said, ...]]) -> Catalog:
    owners = {f"{q[:-1]}:{item.name}": said.plugin.name for q in KINDS for said in answers[q] for item in said.items}
    return Catalog(
        formats={f.name: f for f in _items(answers["formats"])},
        converters=tuple(sorted(_with_code(answers["converters"]), key=lambda c: c.key)),
        targets={t.name: t for t in _items(answers["targets"])},
        environments={e.name: e for e in _items(answers["environments"])},
        runners=tuple(_with_code(answers["runners"])),
        owners=owners,
        code={package: place for p in plugins.loaded for package, place in p.code},
    )


def _items(answers: Sequence[Said]) -> Iterable[Any]:
    return (item for said in answers for item in said.items)


def _with_code(answers: Sequence[Said]) -> Iterable[Any]:
    for said in answers:
        packages = tuple(package for package, _ in said.plugin.code)
        for item in said.items:
            yield dataclasses.replace(item, code=packages)


def _get(table: Mapping[str, Named], name: str, kind: str, command: str) -> Named:
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"there is no {kind} {name}", remedy=f"{hint}`{command}` shows them all", code=f"unknown-{kind}")
