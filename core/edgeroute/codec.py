"""Plain JSON back into nouns, by their type hints: the inverse of `types.to_json`. Standard library only.

Strict, because options come from users: an unknown field is an error with the nearest name, and nothing is coerced but an
integer where a float is wanted. Two things do not come back: a non-finite float (JSON's null) becomes NaN where a float is
demanded, and sequences inside fields that are declared `Json` stay lists.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import functools
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from edgeroute.errors import PluginError, UsageError
from edgeroute.types import Json

T = TypeVar("T")
Decoder = Callable[[Any, Json, str], Any]


def from_json(cls: type[T], data: Json) -> T:
    """A dataclass (or any type that our nouns are made of) from the JSON that `to_json` made of it.

    Raises UsageError (unknown-field, missing-field, bad-value) that names the place inside the value.
    """
    return cast(T, decode(cls, data, cls.__name__))


def decode(hint: Any, data: Json, where: str) -> Any:
    """One value by one type hint; `where` is its place for the error message."""
    if hint is Any or hint is object:
        return data
    if hint is None or hint is type(None):
        return _expect(data is None, data, "nothing (null)", where)
    origin = typing.get_origin(hint)
    if origin is not None:
        return _decode_generic(hint, origin, data, where)
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(cast(type, hint), data, where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _decode_enum(hint, data, where)
    if hint in _PLAIN:
        return _PLAIN[hint](hint, data, where)
    raise PluginError(f"{where}: a value of type {hint!r} cannot come from JSON", remedy="declare it with plain types", code="bad-hint")


def _expect(condition: bool, data: Json, wanted: str, where: str) -> Any:
    if not condition:
        raise UsageError(
            f"{where} is {_shorten(data)}, but should be {wanted}", where=where, remedy=f"give {where} as {wanted}", code="bad-value"
        )
    return data


def _shorten(data: Json) -> str:
    text = repr(data)
    return text if len(text) <= 80 else text[:77] + "…"


def _decode_generic(hint: Any, origin: Any, data: Json, where: str) -> Any:
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(arguments, data, where)
    if origin is typing.Literal:
        return _expect(data in arguments, data, "one of " + ", ".join(map(repr, arguments)), where)
    if origin is tuple:
        return _decode_tuple(arguments, data, where)
    if origin in (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable):
        items = [decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(_expect_list(data, where))]
        return origin(items) if origin in (set, frozenset) else items
    if origin in (dict, collections.abc.Mapping):
        _expect(isinstance(data, Mapping), data, "a mapping", where)
        return {_decode_key(arguments[0], k, where): decode(arguments[1], v, f"{where}[{k!r}]") for k, v in data.items()}
    if origin is type:
        return _decode_class(hint, data, where)
    raise PluginError(f"{where}: a value of type {hint!r} cannot come from JSON", remedy="declare it with plain types", code="bad-hint")


def _decode_union(arguments: tuple[Any, ...], data: Json, where: str) -> Any:
    """The first member that takes the value; None is asked first, so that null stays None in `float | None`."""
    if data is None and type(None) in arguments:
        return None
    members = [a for a in arguments if a is not type(None)]
    for member in members[:-1]:
        try:
            return decode(member, data, where)
        except UsageError:
            continue
    return decode(members[-1], data, where)


def _expect_list(data: Json, where: str) -> list[Json] | tuple[Json, ...]:
    return cast("list[Json]", _expect(isinstance(data, (list, tuple)), data, "a list", where))


def _decode_tuple(arguments: tuple[Any, ...], data: Json, where: str) -> tuple[Any, ...]:
    items = _expect_list(data, where)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(items))
    _expect(len(items) == len(arguments), data, f"a list of {len(arguments)}", where)
    return tuple(decode(a, item, f"{where}[{i}]") for i, (a, item) in enumerate(zip(arguments, items, strict=True)))


def _decode_key(hint: Any, key: str, where: str) -> Any:
    if hint is int:
        _expect(key.lstrip("-").isdigit(), key, "a whole number as the key", where)
        return int(key)
    return decode(hint, key, f"{where} (key)")


def _decode_dataclass(cls: type, data: Json, where: str) -> Any:
    _expect(isinstance(data, Mapping), data, f"a mapping with the fields of {cls.__name__}", where)
    hints = _hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    for name in data:
        if name not in fields:
            raise _unknown_field(cls, str(name), tuple(fields), where)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            values[name] = decode(hints[name], data[name], f"{where}.{name}")
            _check_choice(field, values[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UsageError(f"{where} lacks the field {name!r}", where=where, remedy=f"give {where}.{name}", code="missing-field")
    return cls(**values)


def _check_choice(field: dataclasses.Field[Any], value: Any, where: str) -> None:
    choices = field.metadata.get("choices", ())
    if choices:
        _expect(value in choices, value, "one of " + ", ".join(map(repr, choices)), where)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except (NameError, TypeError, AttributeError) as error:
        raise PluginError(
            f"the type hints of {cls.__module__}:{cls.__qualname__} cannot be read: {error}",
            remedy="import at run time what its fields are annotated with (not only under TYPE_CHECKING), at the top of the module",
            code="bad-hint",
        ) from error


def _unknown_field(cls: type, name: str, known: tuple[str, ...], where: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]!r}? " if near else ""
    remedy += "the fields are: " + ", ".join(known) if known else f"{cls.__name__} has no fields at all"
    return UsageError(f"{where} has no field {name!r}", where=where, remedy=remedy, code="unknown-field")


def _decode_enum(cls: type[enum.Enum], data: Json, where: str) -> enum.Enum:
    by_value = {member.value: member for member in cls}
    _expect(isinstance(data, (str, int)) and data in by_value, data, "one of " + ", ".join(map(repr, by_value)), where)
    return by_value[data]


def _decode_class(_: Any, data: Json, where: str) -> type:
    """A class by `module:name`, among the modules that are loaded already: data must not be able to import anything."""
    _expect(isinstance(data, str) and data.count(":") == 1, data, "a class as 'module:name'", where)
    module, _colon, name = data.partition(":")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise UsageError(
            f"{where} names the class {data}, which no loaded plugin has",
            where=where,
            remedy="install or enable the plugin that brings it (edgeroute plugins)",
            code="unknown-class",
        )
    return found


def _decode_float(_: Any, data: Json, where: str) -> float:
    if data is None:
        return math.nan
    return float(_expect(isinstance(data, (int, float)) and not isinstance(data, bool), data, "a number", where))


def _decode_int(_: Any, data: Json, where: str) -> Any:
    return _expect(isinstance(data, int) and not isinstance(data, bool), data, "a whole number", where)


def _decode_bool(_: Any, data: Json, where: str) -> Any:
    return _expect(isinstance(data, bool), data, "true or false", where)


def _decode_str(_: Any, data: Json, where: str) -> Any:
    return _expect(isinstance(data, str), data, "a text", where)


def _decode_path(_: Any, data: Json, where: str) -> Path:
    return Path(_expect(isinstance(data, (str, Path)), data, "a path", where))


def _decode_list(_: Any, data: Json, where: str) -> list[Json]:
    return list(_expect_list(data, where))


def _decode_bare_tuple(_: Any, data: Json, where: str) -> tuple[Json, ...]:
    return tuple(_expect_list(data, where))


def _decode_dict(_: Any, data: Json, where: str) -> dict[str, Json]:
    return dict(_expect(isinstance(data, Mapping), data, "a mapping", where))


_PLAIN: Mapping[Any, Decoder] = types.MappingProxyType(
    {
        float: _decode_float,
        int: _decode_int,
        bool: _decode_bool,
        str: _decode_str,
        Path: _decode_path,
        type: _decode_class,
        list: _decode_list,
        tuple: _decode_bare_tuple,
        dict: _decode_dict,
    }
)
