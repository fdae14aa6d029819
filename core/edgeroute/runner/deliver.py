"""The file at its place: whole or not at all, and what the user had before is untouched until then."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from edgeroute.errors import OutputError
from edgeroute.types import Artifact


def destination(source: Path, target: str, suffix: str, out: Path | None) -> Path:
    """Where the result goes: `out` as it stands, inside it if it is a folder, else `<stem>.<target><suffix>` here."""
    name = f"{source.name if source.is_dir() else source.stem}.{target}{suffix}"
    if out is None:
        return Path.cwd() / name
    return out / name if out.is_dir() or str(out).endswith(os.sep) else out


def must_be_writable(place: Path, source: Path) -> None:
    """Raise OutputError before any work when the result could not be written there."""
    if place.resolve() == source.resolve():
        raise OutputError(f"the result would overwrite the source {source}", remedy="name another file with --out", code="output-is-source")
    if place.is_dir():
        raise OutputError(f"{place} is a folder", remedy=f"name a file: --out {place / 'model.tflite'}", code="output-is-folder")
    must_have_room(place)


def must_have_room(place: Path) -> None:
    """Raise OutputError where the folder that a place lies in cannot be written."""
    folder = place.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OutputError(
            f"{folder} cannot be written",
            remedy="make it writable, or name another place with --out",
            where=str(place),
            code="output-unwritable",
        )


def deliver(artifact: Artifact, place: Path) -> Path:
    """Copy an artifact to its place by way of a file beside it that is renamed at the end."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if artifact.path.is_dir():
            shutil.copytree(artifact.path, part)
            shutil.rmtree(place, ignore_errors=True)
        else:
            shutil.copyfile(artifact.path, part)
        part.replace(place)
        _companions(artifact, place)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
        raise OutputError(
            f"{place} cannot be written: {error.strerror}",
            remedy="free space there, or name another place with --out",
            code="output-unwritable",
        ) from error
    return place


def _companions(artifact: Artifact, place: Path) -> None:
    for file in artifact.files:
        copy = place.parent / file.relative_to(artifact.path.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
