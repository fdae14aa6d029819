"""Reads ExecuTorch's programs (.pte): a flatbuffer of the schema `program.fbs`. Standard library only; nothing is executed.

A program's plans are its methods: `forward`, and those that give constants. Ours carries one that says it was quantized, because
the weights that tell stand inside XNNPACK's own blob.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Tensor

IDENTIFIER = b"ET"
LARGEST = 256 << 20
"""Bytes of a program that is read; its constants may stand behind it."""
MOST = 1 << 20
"""Entries of a vector; more is damage."""
QUANTIZED = "edgeroute_quantized"
"""Name of the method that our quantizing edge adds."""
TENSOR = 5
"""Number of Tensor in the union KernelTypes."""
DTYPES: Mapping[int, str] = {
    0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64", 11: "bool", 15: "bfloat16",
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """What we want to know of a program."""

    methods: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: Mapping[str, int]
    """Kernels that are called outside of the delegates."""
    delegates: tuple[str, ...]

    @property
    def is_quantized(self) -> bool:
        return QUANTIZED in self.methods


class Table:
    """One flatbuffer table; every offset is checked against the file."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at
        self._vtable = at - self._unpack("<i", at)
        self._size = self._unpack("<H", self._vtable)

    def _unpack(self, kind: str, at: int) -> int:
        if at < 0 or at + struct.calcsize(kind) > len(self.data):
            raise ValueError("an offset leaves the file")
        value: int = struct.unpack_from(kind, self.data, at)[0]
        return value

    def _field(self, slot: int) -> int:
        """Where a field stands; 0 where it has its default."""
        entry = 4 + 2 * slot
        offset = self._unpack("<H", self._vtable + entry) if entry + 2 <= self._size else 0
        return self.at + offset if offset else 0

    def number(self, slot: int, kind: str = "<i", default: int = 0) -> int:
        place = self._field(slot)
        return self._unpack(kind, place) if place else default

    def table(self, slot: int) -> Table | None:
        place = self._field(slot)
        return Table(self.data, place + self._unpack("<I", place)) if place else None

    def vector(self, slot: int) -> tuple[int, int]:
        """Start and length; (0, 0) where there is none."""
        place = self._field(slot)
        if not place:
            return 0, 0
        start = place + self._unpack("<I", place)
        count = self._unpack("<I", start)
        if count > MOST:
            raise ValueError("a vector is longer than the file")
        return start + 4, count

    def tables(self, slot: int) -> list[Table]:
        start, count = self.vector(slot)
        return [Table(self.data, p + self._unpack("<I", p)) for p in range(start, start + 4 * count, 4)]

    def numbers(self, slot: int) -> list[int]:
        start, count = self.vector(slot)
        return [self._unpack("<i", p) for p in range(start, start + 4 * count, 4)]

    def text(self, slot: int) -> str:
        start, count = self.vector(slot)
        return self.data[start : start + count].decode("utf-8", "replace")


def looks_like_program(path: Path) -> bool:
    """By the identifier at byte 4, `ET12` for example."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(8)
    return len(head) == 8 and head[4:6] == IDENTIFIER and head[6:8].isdigit()


def read(path: Path) -> Program:
    """Raises SourceError for damage."""
    with path.open("rb") as file:
        data = file.read(LARGEST)
    try:
        root = Table(data, struct.unpack_from("<I", data)[0])
        plans = {plan.text(0): plan for plan in root.tables(1)}
        forward = plans["forward"]
        values = forward.tables(2)
        ends = [
            tuple(_tensor(values[i], f"{kind}{n}") for n, i in enumerate(forward.numbers(slot)))
            for kind, slot in (("input", 3), ("output", 4))
        ]
        operators = Counter(f"{op.text(0)}.{op.text(1)}".rstrip(".") for op in forward.tables(6))
        return Program(tuple(plans), ends[0], ends[1], dict(operators), tuple(d.text(0) for d in forward.tables(7)))
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise SourceError(
            f"{path.name} is damaged: {error}",
            where=str(path),
            remedy="convert the model again, or copy it again",
            code="executorch-damaged",
        ) from error


def facts(program: Program, size: int) -> Facts:
    details = {"delegates": list(program.delegates), "methods": list(program.methods), "bytes": size, "quantized": program.is_quantized}
    return Facts(program.inputs, program.outputs, program.operators, details)


def _tensor(value: Table, name: str) -> Tensor:
    table = value.table(1)
    if value.number(0, "<B") != TENSOR or table is None:
        return Tensor(name, (), "object")
    return Tensor(name, tuple(table.numbers(2)), DTYPES.get(table.number(0, "<b"), "object"))
