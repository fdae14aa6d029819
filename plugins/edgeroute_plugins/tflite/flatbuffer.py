"""A bounds-checked walker over flatbuffer tables: every read stays inside the file, and the work stays in proportion to it.

Layout (flatbuffers' internals): a table starts with a signed 32-bit distance back to its vtable; the vtable holds its own
size, the table's size and, per slot, the field's distance from the table's start (0: absent). Little-endian throughout.
"""

from __future__ import annotations

import mmap
import struct
from typing import TypeAlias

Buffer: TypeAlias = bytes | mmap.mmap | memoryview
NUMBERS = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip
SIZES = {kind: struct.calcsize("<" + code) for kind, code in NUMBERS.items()}
MOST_STEPS = 8_000_000
"""Tables, numbers and characters (in units of 16) that one file may cost: sharing one vector a million times is an attack."""


class Damaged(Exception):
    """Something points outside the file, or costs more than a model can."""


class Walker:
    """The bytes of a file, and how much of the allowance is spent."""

    def __init__(self, buffer: Buffer) -> None:
        self.view = memoryview(buffer)
        self.size = len(self.view)
        self.left = MOST_STEPS

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise Damaged("its tables are shared or nested beyond reason")

    def number(self, position: int, kind: str) -> int | float | bool:
        if position < 0 or position + SIZES[kind] > self.size:
            raise Damaged(f"the {kind} at byte {position} lies outside the file of {self.size} bytes")
        value: int | float | bool = struct.unpack_from("<" + NUMBERS[kind], self.view, position)[0]
        return value

    def integer(self, position: int, kind: str = "uint32") -> int:
        return int(self.number(position, kind))

    def span(self, start: int, length: int) -> memoryview:
        """`length` bytes from `start`, without copying."""
        if start < 0 or length < 0 or start + length > self.size:
            raise Damaged(f"{length} bytes at byte {start} lie outside the file of {self.size} bytes")
        return self.view[start : start + length]

    def root(self) -> Table:
        return Table(self, self.integer(0))


class Table:
    """One table. An absent field reads as its default."""

    __slots__ = ("position", "slots", "vtable", "walker")

    def __init__(self, walker: Walker, position: int) -> None:
        walker.spend(1)
        self.walker = walker
        self.position = position
        self.vtable = position - walker.integer(position, "int32")
        length = walker.integer(self.vtable, "uint16")
        if length < 4 or length % 2:
            raise Damaged(f"the vtable at byte {self.vtable} has the impossible size {length}")
        walker.span(self.vtable, length)
        self.slots = (length - 4) // 2

    def at(self, slot: int) -> int:
        """The byte at which a field stands; 0 where it is absent."""
        if slot >= self.slots:
            return 0
        distance = self.walker.integer(self.vtable + 4 + 2 * slot, "uint16")
        return self.position + distance if distance else 0

    def number(self, slot: int, kind: str, default: int | float | bool = 0) -> int | float | bool:
        position = self.at(slot)
        return self.walker.number(position, kind) if position else default

    def integer(self, slot: int, kind: str = "int32", default: int = 0) -> int:
        return int(self.number(slot, kind, default))

    def pointer(self, slot: int) -> int:
        """Where the thing that a field refers to starts; 0 where it is absent."""
        position = self.at(slot)
        return position + self.walker.integer(position) if position else 0

    def table(self, slot: int) -> Table | None:
        position = self.pointer(slot)
        return Table(self.walker, position) if position else None

    def _vector(self, slot: int, item: int) -> tuple[int, int]:
        """Start of the items, and their number."""
        position = self.pointer(slot)
        if not position:
            return 0, 0
        count = self.walker.integer(position)
        self.walker.span(position + 4, count * item)
        return position + 4, count

    def numbers(self, slot: int, kind: str) -> tuple[int | float | bool, ...]:
        start, count = self._vector(slot, SIZES[kind])
        self.walker.spend(count)
        return struct.unpack_from(f"<{count}{NUMBERS[kind]}", self.walker.view, start) if count else ()

    def integers(self, slot: int, kind: str = "int32") -> tuple[int, ...]:
        return tuple(int(n) for n in self.numbers(slot, kind))

    def floats(self, slot: int, kind: str = "float32") -> tuple[float, ...]:
        return tuple(float(n) for n in self.numbers(slot, kind))

    def raw(self, slot: int) -> memoryview:
        """A vector of bytes, without copying."""
        start, count = self._vector(slot, 1)
        return self.walker.span(start, count)

    def text(self, slot: int) -> str:
        raw = self.raw(slot)
        self.walker.spend(len(raw) // 16)
        return bytes(raw).decode("utf-8", "replace")

    def tables(self, slot: int) -> tuple[Table, ...]:
        start, count = self._vector(slot, 4)
        places = range(start, start + 4 * count, 4)
        return tuple(Table(self.walker, place + self.walker.integer(place)) for place in places)
