"""Writes flatbuffers, for tests that need real files: tables as slot → value, every item aligned as its readers expect."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

CODES = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip


@dataclass(frozen=True)
class Number:
    kind: str
    value: float


@dataclass(frozen=True)
class Vector:
    """Numbers of one kind; kind `table` holds tables, `text` byte strings."""

    kind: str
    items: Sequence[object]


@dataclass(frozen=True)
class Table:
    slots: Mapping[int, Value] = field(default_factory=dict)


Value: TypeAlias = Number | Vector | Table | bytes


def write(root: Table, identifier: bytes = b"") -> bytes:
    """A whole flatbuffer: offset of the root, identifier, then everything the root refers to, parents before children."""
    writer = _Writer()
    writer.out += struct.pack("<I", 0) + identifier
    writer.patch(0, writer.table(root))
    return bytes(writer.out)


class _Writer:
    def __init__(self) -> None:
        self.out = bytearray()

    def align(self, size: int, ahead: int = 0) -> None:
        self.out += bytes(-(len(self.out) + ahead) % size)

    def patch(self, place: int, target: int) -> None:
        struct.pack_into("<I", self.out, place, target - place)

    def table(self, table: Table) -> int:
        """The vtable, the table, then its children; answers where the table starts."""
        slots = max(table.slots, default=-1) + 1
        offsets, size = self._layout(table)
        self.align(8, 4 + 2 * slots)
        vtable = len(self.out)
        self.out += struct.pack(f"<HH{slots}H", 4 + 2 * slots, size, *(offsets.get(s, 0) for s in range(slots)))
        start = len(self.out)
        self.out += struct.pack("<i", start - vtable) + bytes(size - 4)
        for slot, value in table.slots.items():
            place = start + offsets[slot]
            if isinstance(value, Number):
                struct.pack_into("<" + CODES[value.kind], self.out, place, value.value)
            else:
                self.patch(place, self.child(value))
        return start

    def _layout(self, table: Table) -> tuple[dict[int, int], int]:
        offsets, position = {}, 4
        for slot, value in table.slots.items():
            width = struct.calcsize("<" + CODES[value.kind]) if isinstance(value, Number) else 4
            position += -position % width
            offsets[slot] = position
            position += width
        return offsets, position + -position % 4

    def child(self, value: Value) -> int:
        if isinstance(value, Table):
            return self.table(value)
        if isinstance(value, bytes):
            return self.raw(value, 16)
        assert isinstance(value, Vector)
        return self.references(value) if value.kind in ("table", "text") else self.numbers(value)

    def raw(self, data: bytes, alignment: int) -> int:
        self.align(alignment, 4)
        start = len(self.out)
        self.out += struct.pack("<I", len(data)) + data + b"\0"
        return start

    def numbers(self, vector: Vector) -> int:
        code = CODES[vector.kind]
        self.align(max(4, struct.calcsize("<" + code)), 4)
        start = len(self.out)
        self.out += struct.pack(f"<I{len(vector.items)}{code}", len(vector.items), *vector.items)
        return start

    def references(self, vector: Vector) -> int:
        self.align(4)
        start = len(self.out)
        self.out += struct.pack("<I", len(vector.items)) + bytes(4 * len(vector.items))
        for i, item in enumerate(vector.items):
            assert isinstance(item, (Table, bytes))
            self.patch(start + 4 + 4 * i, self.child(item))
        return start
