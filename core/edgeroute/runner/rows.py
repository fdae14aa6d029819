"""The first rows of a `.npy` file, cut out with the standard library: core may run where there is no numpy."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

MAGIC = b"\x93NUMPY"
CHUNK = 1 << 20


def first_rows(source: Path, out: Path, count: int) -> None:
    """Copy the first `count` entries of the first axis (format versions 1 to 3, C order); ValueError for what is no such file."""
    with source.open("rb") as file, out.open("wb") as copy:
        start, header = _header(file.read(12), source)
        file.seek(start)
        text = file.read(header).decode("latin1")
        described = ast.literal_eval(text)
        shape = tuple(described["shape"])
        if not shape or count >= shape[0] or described["fortran_order"]:
            file.seek(0)
            shutil.copyfileobj(file, copy, CHUNK)
            return
        row = (source.stat().st_size - start - header) // shape[0]
        body = repr({**described, "shape": (count, *shape[1:])}).ljust(header - 1) + "\n"
        copy.write(MAGIC + b"\x02\x00" + len(body).to_bytes(4, "little") + body.encode("latin1"))
        left = row * count
        while left and (chunk := file.read(min(CHUNK, left))):
            copy.write(chunk)
            left -= len(chunk)


def _header(head: bytes, source: Path) -> tuple[int, int]:
    """Where the header's text starts, and how long it is."""
    if head[:6] != MAGIC:
        raise ValueError(f"{source} is no .npy file")
    if head[6] == 1:
        return 10, int.from_bytes(head[8:10], "little")
    return 12, int.from_bytes(head[8:12], "little")
