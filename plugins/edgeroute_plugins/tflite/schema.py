"""The TFLite schema as data: enum names, and the slots of every operator's options (`schema.json`)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeroute_plugins.tflite.flatbuffer import NUMBERS, Table

OptionValue = int | float | bool | str | tuple[int | float | bool, ...]
CUSTOM = 32


@functools.cache
def tables() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    return data


def enum_name(enum: str, number: int) -> str:
    """A member's name, or its number as text where the schema does not know it."""
    name: str = tables()["enums"][enum].get(str(number), str(number))
    return name


def operator_name(code: int) -> str:
    """`CONV_2D`, …; `BUILTIN_<n>` for one that is newer than the schema."""
    name = enum_name("BuiltinOperator", code)
    return f"BUILTIN_{name}" if name.lstrip("-").isdigit() else name


def dtype_name(number: int) -> str:
    """NumPy's name of a tensor type: float32, int8, … (also int4, bfloat16, string, resource, variant)."""
    name = enum_name("TensorType", number)
    return f"type-{name}" if name.lstrip("-").isdigit() else name.lower()


def read_options(table: Table | None, union: str, number: int) -> dict[str, OptionValue]:
    """The options of one operator; empty for none and for those that the schema does not know."""
    if table is None:
        return {}
    fields = tables()["options"].get(tables()[union].get(str(number), "NONE"), ())
    return {name: _read_field(table, slot, kind, default) for name, slot, kind, default in fields}


def _read_field(table: Table, slot: int, kind: str, default: Any) -> OptionValue:
    if kind == "string":
        return table.text(slot)
    if kind.endswith("[]"):
        return table.numbers(slot, kind[:-2])
    if kind in NUMBERS:
        value = table.number(slot, kind, default)
        return bool(value) if kind == "bool" else value
    number = table.integer(slot, "int8", default)
    return dtype_name(number) if kind == "TensorType" else enum_name(kind, number)
