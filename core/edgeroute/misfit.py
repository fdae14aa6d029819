"""Whether a noun that a plugin made holds what its fields are declared to hold: Python checks no type hints. Standard library only.

`codec` asks the same of JSON that comes from outside; a noun's values are looked at as they are, and each kind of field is
understood once, because every command asks this of all that every plugin declares.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any], bool]


def misfit(value: Any, kinds: tuple[type, ...]) -> str:
    """What a noun of one of these kinds is instead, or which of its fields holds something else than it should; empty where all fits."""
    if not isinstance(value, kinds):
        return f"{type(value).__name__} where {' or '.join(kind.__name__ for kind in kinds)} is wanted"
    kind: Any = type(value)
    for name, hint, test in _fields(kind):
        held = getattr(value, name)
        if not test(held):
            inner = misfit(held, (type(held),)) if dataclasses.is_dataclass(held) and not isinstance(held, type) else ""
            return inner or f"{kind.__name__} whose {name} is {_shorten(repr(held))}, but should be {_spell(hint)}"
    return ""


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, Any, Test], ...]:
    """Name, hint and test of every field of a noun."""
    hints = typing.get_type_hints(kind)
    return tuple((f.name, hints[f.name], _test(hints[f.name])) for f in dataclasses.fields(kind))


@functools.cache
def _test(hint: Any) -> Test:
    """What tells whether a value is what a hint says; a list passes for a tuple, and a whole number for a float."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return lambda value: True
    if origin in (typing.Union, types.UnionType):
        members = tuple(_test(a) for a in arguments)
        return lambda value: any(member(value) for member in members)
    if origin is tuple:
        return _sequence(arguments)
    if origin is not None and issubclass(origin, Mapping):
        key, held = map(_test, arguments)
        return lambda value: isinstance(value, Mapping) and all(key(k) and held(v) for k, v in value.items())
    if origin is not None:
        return lambda value: isinstance(value, origin)
    if dataclasses.is_dataclass(hint):
        return lambda value: not misfit(value, (typing.cast(type, hint),))
    if hint is float:
        return lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    return lambda value: isinstance(value, hint)


def _sequence(arguments: tuple[Any, ...]) -> Test:
    if arguments[1:] == (Ellipsis,):
        each = _test(arguments[0])
        return lambda value: isinstance(value, (tuple, list)) and all(map(each, value))
    tests = tuple(map(_test, arguments))
    return lambda value: (
        isinstance(value, (tuple, list)) and len(value) == len(tests) and all(t(v) for t, v in zip(tests, value, strict=True))
    )


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _spell(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
