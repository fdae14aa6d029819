"""Writes protobuf's wire format: what the readers of ONNX and TensorFlow files are tested on, without those libraries."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeAlias

Field: TypeAlias = tuple[int, "int | float | bytes | str"]


def varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def message(*fields: Field) -> bytes:
    """Integers as varints, floats as fixed32, texts and bytes (inner messages too) with their length."""
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: int | float | bytes | str) -> bytes:
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def packed(numbers: Sequence[int]) -> bytes:
    return b"".join(varint(n) for n in numbers)
