"""What a plugin says of itself, read from its module alone; nothing that is wrong with it raises here."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from edgeroute.types import Converter, Environment, Format, Runner, Target, Tool

QUESTIONS = ("formats", "converters", "targets", "environments", "runners")


@dataclass(frozen=True)
class Declared:
    """A plugin's module and its answers to the list-valued questions."""

    module: ModuleType | None
    reason: str = ""
    """Why it could not be read."""
    formats: tuple[Format, ...] = ()
    converters: tuple[Converter, ...] = ()
    targets: tuple[Target, ...] = ()
    environments: tuple[Environment | Tool, ...] = ()
    runners: tuple[Runner, ...] = ()

    @property
    def all(self) -> tuple[Any, ...]:
        return (*self.formats, *self.converters, *self.targets, *self.environments, *self.runners)

    @property
    def built(self) -> tuple[Environment, ...]:
        """The environments that edgeroute builds, without the tools that it only finds."""
        return tuple(e for e in self.environments if isinstance(e, Environment))

    @property
    def functions(self) -> tuple[str, ...]:
        """Every `package.module:function` that is called in the caller's process."""
        preflights = [c.preflight for c in self.converters]
        promises = [f.promise for f in self.formats]
        return tuple(sorted({name for name in (*preflights, *promises) if name}))

    @property
    def workers(self) -> tuple[str, ...]:
        """Every `package.module:function` that is called in a worker."""
        converters = [name for c in self.converters for name in (c.run, c.handover)]
        runners = [name for r in self.runners for name in (r.run, r.inspect, r.trace)]
        return tuple(sorted({name for name in (*converters, *runners) if name}))


@functools.cache
def declared(plugin: str) -> Declared:
    """Import a plugin's module and ask it everything that has a list for an answer."""
    try:
        module = importlib.import_module(plugin)
        answers: dict[str, Any] = {question: _answer(module, question) for question in QUESTIONS}
    except (Exception, SystemExit) as error:  # the border to the author's code
        return Declared(None, f"{type(error).__name__}: {error}")
    return Declared(module, **answers)


def _answer(module: ModuleType, question: str) -> tuple[Any, ...]:
    hook = getattr(module, f"edgeroute_{question}", None)
    answer: Iterable[Any] = hook() if hook is not None else ()
    return tuple(answer)
