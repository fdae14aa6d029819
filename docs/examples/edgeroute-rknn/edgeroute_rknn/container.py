"""Reads compiled files (.rknn). Standard library only.

    "RKNN\\0\\0\\0\\0" | uint64 version | uint64 n | 40 bytes | n bytes for the chip | uint64 m | m bytes of JSON

Observed in files of rknn-toolkit2 2.5.0; Rockchip publishes no description.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Tensor

MAGIC = b"RKNN\0\0\0\0"
HEAD = struct.Struct("<8sQQ")
LENGTH = struct.Struct("<Q")
START = 64
LARGEST = 16 << 20
"""Bytes of the JSON."""


@dataclass(frozen=True)
class Compiled:
    """What the JSON at the end of a file says."""

    chips: tuple[str, ...]
    toolkit: str
    tensors: tuple[Mapping[str, Any], ...]
    inputs: int
    bytes: int


def is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read(path: Path) -> Compiled:
    """Raises SourceError for damage."""
    try:
        with path.open("rb") as file:
            _, _, size = HEAD.unpack(file.read(HEAD.size))
            file.seek(START + size)
            (length,) = LENGTH.unpack(file.read(LENGTH.size))
            text = file.read(length) if length <= LARGEST else b""
        if len(text) != length:
            raise ValueError("it ends too early")
        table = json.loads(text.rstrip(b"\0"))
        chips = tuple(map(str, table["target_platform"]))
        return Compiled(chips, str(table.get("version", "")), tuple(table["norm_tensor"]), int(table["input_num"]), size)
    except (struct.error, ValueError, KeyError, TypeError, OverflowError, OSError) as error:
        raise SourceError(
            f"{path.name} is damaged: {error}", where=str(path), remedy="compile the model again, or copy it again", code="rknn-damaged"
        ) from error


def facts(compiled: Compiled) -> Facts:
    """Inputs come first in the table of tensors."""
    tensors = tuple(_tensor(t) for t in compiled.tensors)
    details = {"chips": list(compiled.chips), "toolkit": compiled.toolkit, "chip_bytes": compiled.bytes}
    return Facts(tensors[: compiled.inputs], tensors[compiled.inputs :], details=details)


def _tensor(table: Mapping[str, Any]) -> Tensor:
    dtype = table.get("dtype", {})
    return Tensor(str(table.get("url", "")), tuple(int(d) for d in table.get("size", ())), str(dtype.get("vx_type", "")))
