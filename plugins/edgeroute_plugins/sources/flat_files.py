"""Files that are told by their first bytes: safetensors, and Ambarella's compiled models."""

from __future__ import annotations

import json
import re
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Json, Recognition

LONGEST_HEADER = 32 << 20
DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
CAVALRY = {
    bytes.fromhex("0800020203000000"): "cavalry-cv25",
    bytes.fromhex("030003008eea5d0e"): "cavalry-cv75",
}
"""The first eight bytes of the compiled files that were seen (targets.md §6.4)."""
NAMES_WITHIN = 16 << 10
MOST_NAMES = 64


def recognize_cavalry(path: Path, head: bytes) -> Recognition | None:
    """A compiled model for CV25 or CV75, with the names that stand in its first 16 KiB."""
    kind = CAVALRY.get(head[:8])
    if kind is None:
        return None
    with path.open("rb") as file:
        start = file.read(NAMES_WITHIN)
    names = [found.decode("ascii") for found in re.findall(rb"[A-Za-z_/][\w/.:;-]{2,127}", start)]
    return Recognition(kind, Facts(details={"bytes": path.stat().st_size, "names": list(dict.fromkeys(names))[:MOST_NAMES]}))


def looks_like_safetensors(head: bytes, size: int) -> bool:
    """Eight bytes of a little-endian length, then the brace that opens a JSON object."""
    return len(head) >= 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= max(size, LONGEST_HEADER)


def recognize_safetensors(path: Path) -> Recognition:
    """Names, dtypes and shapes; `SourceError` where the header is damaged or points outside the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER or length + 8 > size:
            raise _damaged(path, f"its header has {length} bytes, the file {size}")
        text = file.read(length)
    try:
        header = json.loads(text)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        shapes = {name: _shape(entry, size - 8 - length) for name, entry in entries.items()}
        dtypes = Counter(DTYPES.get(str(entry["dtype"]), str(entry["dtype"])) for entry in entries.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    details: dict[str, Json] = {
        "bytes": size,
        "holds": "state-dict",
        "tensors": len(shapes),
        "keys": list(shapes)[:MOST_NAMES],
        "parameters": sum(prod(shape) for shape in shapes.values()),
        "weight_dtypes": dict(dtypes.most_common()),
    }
    return Recognition("safetensors", Facts(details=details))


def _shape(entry: dict[str, Any], room: int) -> tuple[int, ...]:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= room:
        raise ValueError(f"a tensor stands at {start}..{end}, but there are {room} bytes of numbers")
    shape = tuple(entry["shape"])
    if not all(isinstance(dimension, int) and dimension >= 0 for dimension in shape):
        raise ValueError(f"a tensor has the shape {shape}")
    return shape


def _damaged(path: Path, why: str) -> SourceError:
    return SourceError(
        f"this safetensors file is damaged: {why[:200]}",
        where=str(path),
        remedy="save or download the file again and compare its size with the original's",
        code="safetensors-damaged",
    )
