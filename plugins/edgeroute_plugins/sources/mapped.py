"""A file's bytes as a view, mapped while they are looked at."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """The content of a file; pages are read as they are touched. The view may outlive the block: the map then stays until it is dropped."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        yield memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")
