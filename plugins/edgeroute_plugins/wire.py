"""A bounds-checked reader of protobuf's wire format, with the standard library and without copying.

Nothing is known of any schema here: a message is a sequence of (field number, value), where the value is an unsigned integer
(varint, fixed32, fixed64) or a view of bytes (text, bytes, packed numbers, an inner message).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | memoryview
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 8_000_000


class Damaged(Exception):
    """Bytes that are no protobuf message, or one that costs more than a model can."""


class Budget:
    """How many fields may still be read: shared by all messages of one file."""

    def __init__(self, fields: int = MOST_FIELDS) -> None:
        self.left = fields

    def spend(self, fields: int = 1) -> None:
        self.left -= fields
        if self.left < 0:
            raise Damaged("it has more fields than any model")


class Message:
    """One message, read field by field in the file's order."""

    __slots__ = ("budget", "view")

    def __init__(self, view: memoryview, budget: Budget | None = None) -> None:
        self.view = view
        self.budget = budget or Budget()

    def __iter__(self) -> Iterator[tuple[int, Value]]:
        position, end = 0, len(self.view)
        while position < end:
            self.budget.spend()
            tag, position = varint(self.view, position)
            number, kind = tag >> 3, tag & 7
            if number == 0:
                raise Damaged("a field has the number 0")
            value, position = self._value(kind, position)
            yield number, value

    def _value(self, kind: int, position: int) -> tuple[Value, int]:
        if kind == VARINT:
            return varint(self.view, position)
        if kind == BYTES:
            length, position = varint(self.view, position)
            return self._span(position, length), position + length
        if kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
            return int.from_bytes(self._span(position, size), "little"), position + size
        raise Damaged(f"a field has the unknown wire type {kind}")

    def _span(self, start: int, length: int) -> memoryview:
        if start + length > len(self.view):
            raise Damaged(f"it ends in the middle of a field ({start + length - len(self.view)} bytes are missing)")
        return self.view[start : start + length]

    def inner(self, value: Value) -> Message:
        """A field's value as a message, on the same budget."""
        return Message(raw(value), self.budget)

    def integers(self, value: Value) -> list[int]:
        """A repeated integer field: one number, or many in packed form."""
        if isinstance(value, int):
            return [signed(value)]
        self.budget.spend(len(value) // 4)
        numbers, position = [], 0
        while position < len(value):
            number, position = varint(value, position)
            numbers.append(signed(number))
        return numbers

    def floats(self, value: Value) -> list[float]:
        """A repeated float field: one number, or many in packed form."""
        if isinstance(value, int):
            return [float32(value)]
        if len(value) % 4:
            raise Damaged("a list of floats has a broken length")
        self.budget.spend(len(value) // 16)
        return list(struct.unpack(f"<{len(value) // 4}f", value))


def varint(view: memoryview, position: int) -> tuple[int, int]:
    """An unsigned number of up to 64 bits, and the position behind it."""
    result = shift = 0
    while shift < 70:
        if position >= len(view):
            raise Damaged("it ends in the middle of a number")
        byte = view[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
    raise Damaged("a number is longer than 64 bits")


def signed(value: Value) -> int:
    """A varint field of type int32, int64 or enum."""
    number = unsigned(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def unsigned(value: Value) -> int:
    if not isinstance(value, int):
        raise Damaged("bytes stand where a number belongs")
    return value


def raw(value: Value) -> memoryview:
    if isinstance(value, int):
        raise Damaged("a number stands where bytes belong")
    return value


def text(value: Value) -> str:
    return bytes(raw(value)).decode("utf-8", "replace")


def float32(value: Value) -> float:
    """A fixed32 field of type float."""
    result: float = struct.unpack("<f", (unsigned(value) & 0xFFFFFFFF).to_bytes(4, "little"))[0]
    return result
