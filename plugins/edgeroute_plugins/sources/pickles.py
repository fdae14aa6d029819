"""Reads what a pickle says without doing it: opcodes move inert values on a stack, nothing is imported, called or built.

A call is kept as `Call(function, arguments)`, a global as `Global(module, name)`; a dictionary is a list of pairs.
"""

from __future__ import annotations

import io
import pickletools
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

MOST_OPCODES = 4_000_000
BROKEN = (ValueError, IndexError, KeyError, TypeError, OverflowError, EOFError, struct.error)


class Unreadable(Exception):
    """The bytes are no pickle, or one that is too large to look through."""


@dataclass(frozen=True)
class Global:
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Call:
    """What a pickle would call, or the object that it would make; `state` is what it would put into it."""

    function: Any
    arguments: Any
    state: Any = None
    items: list[tuple[Any, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Pairs:
    """A dictionary."""

    items: list[tuple[Any, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Stored:
    """A reference to something outside the pickle: torch's storages."""

    identity: Any


@dataclass(frozen=True)
class Pickle:
    """What one pickle holds."""

    root: Any
    globals: tuple[Global, ...]
    """Everything that loading would import, in the order of first mention."""
    end: int
    """The byte behind it."""


_MARK = object()


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.globals: dict[Global, None] = {}

    def since_mark(self) -> list[Any]:
        for position in range(len(self.stack) - 1, -1, -1):
            if self.stack[position] is _MARK:
                items = self.stack[position + 1 :]
                del self.stack[position:]
                return items
        raise Unreadable("a mark is missing")

    def mention(self, module: Any, name: Any) -> None:
        found = Global(str(module)[:200], str(name)[:200])
        self.globals[found] = None
        self.stack.append(found)


def read_pickle(data: bytes, start: int = 0) -> Pickle:
    """The pickle at a byte of `data`; `Unreadable` where there is none."""
    machine = _Machine()
    stream = io.BytesIO(data)
    stream.seek(start)
    count = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for opcode, argument, _ in pickletools.genops(stream):
                count += 1
                if count > MOST_OPCODES:
                    raise Unreadable("it has too many instructions")
                _step(machine, opcode.name, argument)
    except BROKEN as error:
        raise Unreadable(str(error) or type(error).__name__) from error
    return Pickle(machine.stack[-1] if machine.stack else None, tuple(machine.globals), stream.tell())


def _step(machine: _Machine, name: str, argument: Any) -> None:
    action = _ACTIONS.get(name)
    if action is not None:
        action(machine, argument)
    elif name not in _IGNORED:
        machine.stack.append(argument)


def _pairs(items: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(items[::2], items[1::2], strict=True)


def _setitems(machine: _Machine, items: list[Any]) -> None:
    holder = machine.stack[-1]
    if isinstance(holder, (Pairs, Call)):
        holder.items.extend(_pairs(items))


def _extend(machine: _Machine, items: list[Any]) -> None:
    holder = machine.stack[-1]
    if isinstance(holder, list):
        holder.extend(items)
    elif isinstance(holder, Call):
        holder.items.extend((None, item) for item in items)


def _setitem(machine: _Machine, _: Any) -> None:
    items = [machine.stack.pop(), machine.stack.pop()][::-1]
    _setitems(machine, items)


def _append(machine: _Machine, _: Any) -> None:
    item = machine.stack.pop()
    _extend(machine, [item])


def _call(count: int) -> Callable[[_Machine, Any], None]:
    """Replace a function and `count` arguments by the call that is not made."""

    def action(machine: _Machine, _: Any) -> None:
        arguments = [machine.stack.pop() for _ in range(count)][::-1]
        machine.stack.append(Call(machine.stack.pop(), arguments[0] if count == 1 else tuple(arguments)))

    return action


def _build(machine: _Machine, _: Any) -> None:
    state = machine.stack.pop()
    if isinstance(machine.stack[-1], Call):
        machine.stack[-1].state = state


def _inst(machine: _Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    arguments = tuple(machine.since_mark())
    machine.mention(module, name)
    machine.stack.append(Call(machine.stack.pop(), arguments))


def _obj(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack.append(Call(items[0], tuple(items[1:])))


def _global(machine: _Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine.mention(module, name)


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.mention(module, name)


def _tuple(count: int) -> Callable[[_Machine, Any], None]:
    def action(machine: _Machine, _: Any) -> None:
        items = tuple(machine.stack[-count:])
        if len(items) < count:
            raise Unreadable("the stack is too short")
        del machine.stack[-count:]
        machine.stack.append(items)

    return action


def _remember(machine: _Machine, argument: Any) -> None:
    machine.memo[len(machine.memo) if argument is None else int(argument)] = machine.stack[-1]


_ACTIONS: dict[str, Callable[[_Machine, Any], Any]] = {
    "MARK": lambda m, _: m.stack.append(_MARK),
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.since_mark(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "NONE": lambda m, _: m.stack.append(None),
    "NEWTRUE": lambda m, _: m.stack.append(True),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_SET": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append(Pairs()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "LIST": lambda m, _: m.stack.append(m.since_mark()),
    "FROZENSET": lambda m, _: m.stack.append(m.since_mark()),
    "DICT": lambda m, _: m.stack.append(Pairs(list(_pairs(m.since_mark())))),
    "SETITEM": _setitem,
    "SETITEMS": lambda m, _: _setitems(m, m.since_mark()),
    "APPEND": _append,
    "APPENDS": lambda m, _: _extend(m, m.since_mark()),
    "ADDITEMS": lambda m, _: _extend(m, m.since_mark()),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _inst,
    "OBJ": _obj,
    "REDUCE": _call(1),
    "NEWOBJ": _call(1),
    "NEWOBJ_EX": _call(2),
    "BUILD": _build,
    "EXT1": lambda m, a: m.mention("copyreg extension", a),
    "EXT2": lambda m, a: m.mention("copyreg extension", a),
    "EXT4": lambda m, a: m.mention("copyreg extension", a),
    "PERSID": lambda m, a: m.stack.append(Stored(a)),
    "BINPERSID": lambda m, _: m.stack.append(Stored(m.stack.pop())),
    "PUT": _remember,
    "BINPUT": _remember,
    "LONG_BINPUT": _remember,
    "MEMOIZE": _remember,
    "GET": lambda m, a: m.stack.append(m.memo[int(a)]),
    "BINGET": lambda m, a: m.stack.append(m.memo[int(a)]),
    "LONG_BINGET": lambda m, a: m.stack.append(m.memo[int(a)]),
}
_IGNORED = frozenset({"PROTO", "FRAME", "STOP", "NEXT_BUFFER", "READONLY_BUFFER"})
