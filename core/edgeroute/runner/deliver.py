"""The file at its place: whole or not at all, and what the user had before is untouched until then."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from edgeroute import files, provenance
from edgeroute.errors import OutputError
from edgeroute.recognize import digest_files
from edgeroute.types import Artifact


def destination(source: Path, target: str, suffix: str, out: Path | None) -> Path:
    """Where the result goes: `out` as it stands, inside it if it is a folder, else `<stem>.<target><suffix>` here."""
    name = f"{source.name if source.is_dir() else source.stem}.{target}{suffix}"
    if out is None:
        return Path.cwd() / name
    return out / name if out.is_dir() or str(out).endswith(os.sep) else out


def must_be_writable(place: Path, source: Path, *, folder: bool = True) -> None:
    """Raise OutputError before any work when the result could not be written there; `folder` says that it may be one."""
    if place.resolve() == source.resolve():
        raise OutputError(f"the result would overwrite the source {source}", remedy="name another file with --out", code="output-is-source")
    if place.is_dir() and not (folder and is_earlier_result(place)):
        remedy = f"move it away, or name another place: --out {place.with_name(f'{place.stem}-new{place.suffix}')}"
        raise OutputError(f"{place} is a folder, and not as a conversion left it", remedy=remedy, code="output-is-folder")
    must_have_room(place)


def is_earlier_result(place: Path) -> bool:
    """Whether a folder is to the byte what a conversion put there; then the next one may put its own in its place."""
    told = files.read_json(provenance.beside(place))
    artifact = told.get("artifact") if isinstance(told, dict) else None
    return isinstance(artifact, dict) and artifact.get("sha256") == digest_files(place)[1]


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
    further = {file: _companion(artifact, file, place, named_alike) for file in artifact.files}
    return dataclasses.replace(artifact, path=deliver(artifact, place, further), files=tuple(further.values()))


def deliver(artifact: Artifact, place: Path, further: Mapping[Path, Path]) -> Path:
    """Copy an artifact to its place by way of a file beside it that is renamed at the end; `further` says where its further files go."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if artifact.path.is_dir():
            shutil.copytree(artifact.path, part)
            shutil.rmtree(place, ignore_errors=True)
        else:
            shutil.copyfile(artifact.path, part)
        for file, copy in further.items():
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
