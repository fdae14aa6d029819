"""Looks into zip archives without extracting anything; sizes and member counts are capped."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgeroute.errors import SourceError

MAGIC = b"PK\x03\x04"
MOST_MEMBERS = 100_000
MOST_BYTES = 64 << 20
"""The largest member that is read into memory: configurations and pickles, never weights."""
SWELL = 200
"""How many times larger than the archive its contents may be (beyond 1 GB)."""
BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, KeyError, struct.error, zlib.error)
"""What `zipfile` raises on archives that are damaged, encrypted or of an unknown compression."""


@dataclass(frozen=True)
class Archive:
    """A zip archive's members by name, with their sizes."""

    path: Path
    sizes: dict[str, int]

    @property
    def root(self) -> str:
        """The first component that all members share, with a slash; empty where there is none."""
        first = {name.split("/", 1)[0] for name in self.sizes if "/" in name}
        return f"{first.pop()}/" if len(first) == 1 and all("/" in name for name in self.sizes) else ""

    def under(self, folder: str) -> list[str]:
        return [name for name in self.sizes if name.startswith(folder)]

    def read(self, name: str) -> bytes:
        """One member's content; `SourceError` where it is too large or damaged."""
        if self.sizes.get(name, 0) > MOST_BYTES:
            raise _suspicious(self.path, f"{name} has {self.sizes[name]} bytes")
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as member:
                content = member.read(MOST_BYTES + 1)
        except BROKEN as error:
            raise damaged_archive(self.path, str(error)) from error
        if len(content) > MOST_BYTES:
            raise _suspicious(self.path, f"{name} is larger than it says")
        return content


def open_archive(path: Path) -> Archive:
    """The members of a zip archive; `SourceError` where it is damaged or built to do harm."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except BROKEN as error:
        raise damaged_archive(path, str(error)) from error
    if len(members) > MOST_MEMBERS:
        raise _suspicious(path, f"it holds {len(members)} members")
    total = sum(member.file_size for member in members)
    if total > max(1 << 30, SWELL * path.stat().st_size):
        raise _suspicious(path, f"it unpacks to {total} bytes")
    for member in members:
        place = PurePosixPath(member.filename)
        if place.is_absolute() or ".." in place.parts:
            raise _suspicious(path, f"its member {member.filename[:100]!r} points outside")
    return Archive(path, {member.filename: member.file_size for member in members})


def damaged_archive(path: Path, why: str) -> SourceError:
    return SourceError(
        f"{path.name} is a damaged archive: {why[:200]}",
        where=str(path),
        remedy="save or download the model again and compare its size with the original's",
        code="archive-damaged",
    )


def _suspicious(path: Path, why: str) -> SourceError:
    return SourceError(
        f"{path.name} is not opened: {why}",
        where=str(path),
        remedy="use a file that you trust, or load it yourself and save it again",
        code="archive-suspicious",
    )
