"""The child's side of provenance: calls what a format declares to write a text into its files and to take it out again. Standard library only."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgeroute.errors import PluginError
from edgeroute.resolve import resolve_function
from edgeroute.types import Json


def write(stamp: str, unstamp: str, model: str, out: str, text: str) -> Json:
    """Write `out` and take the text out of it again at once; raises PluginError where the file that comes back is another one.

    Answers the stamped file's `sha256` and `bytes`.
    """
    resolve_function(stamp)(Path(model), Path(out), text)
    back = Path(f"{out}.back")
    said = resolve_function(unstamp)(Path(out), back)
    if said != text or not back.is_file() or digest(back) != digest(Path(model)):
        raise PluginError(
            f"{unstamp} does not give back what {stamp} was given",
            remedy="its author: unstamp(out, back) must return the text and restore every byte",
            where=stamp,
            code="stamp-lossy",
        )
    back.unlink()
    return {"sha256": digest(Path(out)), "bytes": Path(out).stat().st_size}


def read(unstamp: str, model: str, out: str) -> Json:
    """The text in a file (empty where there is none), and the digest of the file without it."""
    text = resolve_function(unstamp)(Path(model), Path(out))
    return {"text": text, "sha256": digest(Path(out)) if text else ""}


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
