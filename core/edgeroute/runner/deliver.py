"""The file at its place: whole or not at all, and what the user had before is untouched until then."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Collection, Mapping
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


def put(artifact: Artifact, place: Path, named_alike: Collection[str] = ()) -> Artifact:
    """Deliver an artifact, and say where all of it is now; `named_alike` are the suffixes of files that go by the model's name."""
    files = {file: _companion(artifact, file, place, named_alike) for file in artifact.files}
    return dataclasses.replace(artifact, path=deliver(artifact, place, files), files=tuple(files.values()))


def deliver(artifact: Artifact, place: Path, files: Mapping[Path, Path]) -> Path:
    """Copy an artifact to its place by way of a file beside it that is renamed at the end; `files` says where its further files go."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if artifact.path.is_dir():
            shutil.copytree(artifact.path, part)
            shutil.rmtree(place, ignore_errors=True)
        else:
            shutil.copyfile(artifact.path, part)
        for file, copy in files.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        part.replace(place)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
        raise OutputError(
            f"{place} cannot be written: {error.strerror}",
            remedy="free space there, or name another place with --out",
            code="output-unwritable",
        ) from error
    return place


def _companion(artifact: Artifact, file: Path, place: Path, named_alike: Collection[str]) -> Path:
    """A further file keeps its name, which stands inside the model; one that is found by the model's name takes its new one."""
    stem = artifact.path.stem
    if file.suffix in named_alike and file.name.startswith(f"{stem}.") and file.parent == artifact.path.parent:
        return place.with_name(f"{place.stem}{file.name.removeprefix(stem)}")
    return place.parent / file.relative_to(artifact.path.parent)
