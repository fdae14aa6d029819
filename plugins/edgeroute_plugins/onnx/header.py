"""Reads an ONNX file's structure with the standard library alone: no weight is loaded, no code runs."""

from __future__ import annotations

import mmap
from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute_plugins.onnx.decode import MOST_IR, decode_model
from edgeroute_plugins.onnx.proto import Model
from edgeroute_plugins.wire import Damaged, Message


def read(path: Path) -> Model:
    """The structure of a file; `SourceError` on anything that is missing, damaged or hostile. The file stays mapped while it is used."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            return parse(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"", str(path))
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror or error}"
        raise SourceError(message, where=str(path), remedy="check the path and its permissions", code="source-unreadable") from error


def parse(buffer: bytes | mmap.mmap, where: str = "") -> Model:
    """The structure of a serialized ModelProto; `SourceError` on anything that is damaged or hostile."""
    try:
        return decode_model(Message(memoryview(buffer)))
    except Damaged as error:
        raise _damaged(str(error), where) from error


def looks_like_onnx(head: bytes) -> bool:
    """Whether a file starts as ModelProtos do: field 1, the IR version, as a small number."""
    return len(head) >= 2 and head[0] == 0x08 and 1 <= head[1] <= MOST_IR


def _damaged(why: str, where: str = "") -> SourceError:
    return SourceError(
        f"this ONNX file is damaged: {why}",
        where=where,
        remedy="export or download the model again and compare its size with the original's",
        code="onnx-damaged",
    )
