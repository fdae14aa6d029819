"""Writes flatbuffers, and TFLite files from a few words: what the reader is tested on, honest or hostile."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scalar:
    kind: str
    """A `struct` code."""
    value: float


@dataclass(frozen=True)
class Vector:
    kind: str
    items: Sequence[float]


def table(fields: Mapping[int, Any]) -> dict[int, Any]:
    """Slot → Scalar, Vector, bytes (a vector of bytes), str, table, or a list of tables; None is left out."""
    return {slot: value for slot, value in fields.items() if value is not None}


def write(root: Mapping[int, Any], identifier: bytes = b"TFL3") -> bytes:
    """A whole flatbuffer: parents stand before their children, as unsigned offsets demand."""
    out = bytearray(b"\0\0\0\0" + identifier)
    struct.pack_into("<I", out, 0, _table(out, root))
    return bytes(out)


def _align(out: bytearray) -> None:
    out += b"\0" * (-len(out) % 8)


def _table(out: bytearray, fields: Mapping[int, Any]) -> int:
    slots = max(fields, default=-1) + 1
    _align(out)
    vtable = len(out)
    out += struct.pack("<HH", 4 + 2 * slots, 4 + 8 * slots) + b"\0\0" * slots
    _align(out)
    start = len(out)
    out += struct.pack("<i", start - vtable) + b"\0" * (8 * slots)
    for slot, value in fields.items():
        place = start + 4 + 8 * slot
        struct.pack_into("<H", out, vtable + 4 + 2 * slot, place - start)
        if isinstance(value, Scalar):
            struct.pack_into("<" + value.kind, out, place, value.value)
        else:
            child = _child(out, value)
            struct.pack_into("<I", out, place, child - place)
    return start


def _child(out: bytearray, value: Any) -> int:
    if isinstance(value, Mapping):
        return _table(out, value)
    _align(out)
    start = len(out)
    if isinstance(value, list):
        out += struct.pack("<I", len(value)) + b"\0\0\0\0" * len(value)
        for index, item in enumerate(value):
            place = start + 4 + 4 * index
            struct.pack_into("<I", out, place, _child(out, item) - place)
        return start
    if isinstance(value, Vector):
        out += struct.pack(f"<I{len(value.items)}{value.kind}", len(value.items), *value.items)
        return start
    raw = value.encode() if isinstance(value, str) else bytes(value)
    out += struct.pack("<I", len(raw)) + raw + b"\0"
    return start


TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "int16": 7, "int8": 9}


def tensor(
    name: str,
    shape: Sequence[int] = (1, 4),
    dtype: str = "float32",
    *,
    scale: Sequence[float] = (),
    buffer: int = 0,
    variable: bool = False,
    signature: Sequence[int] | None = None,
    external: int = 0,
) -> dict[int, Any]:
    quantization = table({2: Vector("f", scale), 3: Vector("q", [0] * len(scale)), 6: Scalar("i", 0)}) if scale else None
    return table(
        {
            0: Vector("i", shape),
            1: Scalar("b", TYPES[dtype]),
            2: Scalar("I", buffer),
            3: name,
            4: quantization,
            5: Scalar("B", int(variable)),
            7: Vector("i", signature) if signature is not None else None,
            10: Scalar("I", external) if external else None,
        }
    )


def operator(code: int, inputs: Sequence[int], outputs: Sequence[int], **more: Any) -> dict[int, Any]:
    """An operator by its place among the codes; `options=(union number, table)`, `custom=bytes`, `large=(offset, size)`."""
    kind, options = more.get("options", (0, None))
    offset, size = more.get("large", (0, 0))
    return table(
        {
            0: Scalar("I", code),
            1: Vector("i", inputs),
            2: Vector("i", outputs),
            3: Scalar("B", kind) if kind else None,
            4: options,
            5: more.get("custom"),
            9: Scalar("Q", offset) if offset else None,
            10: Scalar("Q", size) if size else None,
        }
    )


def code(builtin: int, version: int = 1, custom: str | None = None, old: int | None = None) -> dict[int, Any]:
    """An operator code; `old` is what stands in the byte that files before 2020 use."""
    return table({0: Scalar("b", min(builtin, 127) if old is None else old), 1: custom, 2: Scalar("i", version), 3: Scalar("i", builtin)})


def model(
    tensors: Sequence[Mapping[int, Any]],
    operators: Sequence[Mapping[int, Any]],
    codes: Sequence[Mapping[int, Any]],
    *,
    inputs: Sequence[int] = (0,),
    outputs: Sequence[int] = (1,),
    buffers: Sequence[Mapping[int, Any]] = ({},),
    **more: Any,
) -> bytes:
    """A file with one subgraph; `metadata` and `signatures` are lists of tables, `subgraphs` further ones."""
    main = table({0: list(tensors), 1: Vector("i", inputs), 2: Vector("i", outputs), 3: list(operators), 4: "main"})
    return write(
        table(
            {
                0: Scalar("I", 3),
                1: list(codes),
                2: [main, *more.get("subgraphs", [])],
                3: "made by a test",
                4: list(buffers),
                6: more.get("metadata"),
                7: more.get("signatures"),
            }
        )
    )
