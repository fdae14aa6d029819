"""A path → an Artifact: which format, its digest, and the facts that were measured from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from edgeroute.catalog import Catalog
from edgeroute.errors import SourceError
from edgeroute.plugins import Plugins
from edgeroute.types import Artifact, Recognition

CHUNK = 1 << 20


def recognize(path: Path, plugins: Plugins, catalog: Catalog) -> Artifact:
    """Ask the plugins whose file this is, by its content.

    Raises SourceError for what is missing, empty, unreadable, damaged, or known to nobody.
    """
    _must_be_readable(path)
    path = path.absolute()
    before = {p.name for p in plugins.loaded}
    answer = _first_answer(path, plugins, catalog)
    if answer is None:
        failed = [f"{p.name}: {p.reason}" for p in plugins.all if p.name in before and p.status != "loaded"]
        known = sorted({f.suffix for f in catalog.formats.values() if f.suffix})
        raise SourceError(
            f"{path.name} is no model file that edgeroute knows{_unasked(failed)}",
            where=str(path),
            remedy=f"give a file of a known kind ({', '.join(known)}); `edgeroute list formats` shows them all",
            code="unknown-format",
        )
    size, sha256 = digest_files(path, answer.files)
    return Artifact(path, answer.format, sha256, size, answer.facts, answer.files)


def _unasked(failed: list[str]) -> str:
    return f"; whether it is one of a plugin's, that plugin could not say ({'; '.join(failed)})" if failed else ""


def _first_answer(path: Path, plugins: Plugins, catalog: Catalog) -> Recognition | None:
    for plugin, answer in plugins.each("recognize", path=path):
        if answer.format in catalog.formats:
            found: Recognition = answer
            return found
        plugins.quarantine(plugin.name, f"edgeroute_recognize() answered the format {answer.format}, which nobody declares")
    return None


def digest_files(path: Path, files: tuple[Path, ...] = ()) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a model: of the file alone, or of a folder's or several files' names and contents."""
    members = _members(path, files)
    if len(members) == 1:
        return members[0][1].stat().st_size, _sha256(members[0][1])
    total, whole = 0, hashlib.sha256()
    for name, member in members:
        total += member.stat().st_size
        whole.update(f"{name}\0{_sha256(member)}\n".encode())
    return total, whole.hexdigest()


def _members(path: Path, files: tuple[Path, ...]) -> list[tuple[str, Path]]:
    if path.is_dir():
        return sorted((str(p.relative_to(path)), p) for p in path.rglob("*") if p.is_file())
    return [(path.name, path), *sorted((str(p.relative_to(path.parent)), p) for p in files)]


def _must_be_readable(path: Path) -> None:
    if not path.exists():
        if path.is_symlink():
            raise SourceError(f"{path} is a link that leads nowhere", remedy="name the file that it stood for", code="source-missing")
        near = _nearest(path)
        hint = f"did you mean {near}?" if near else "check the path"
        raise SourceError(f"there is no file {path}", remedy=hint, code="source-missing")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{path.name} is empty", where=str(path), remedy="export or download the model again", code="source-empty")
    if not path.is_file() and not path.is_dir():
        raise SourceError(
            f"{path} is neither a file nor a folder", remedy="write the model to a file first, and give that", code="source-unreadable"
        )
    if path.is_dir() and not any(path.iterdir()):
        raise SourceError(f"the folder {path} is empty", remedy="give a model file, or a SavedModel folder", code="source-empty")
    try:
        next(_blocks(path), b"") if path.is_file() else list(path.iterdir())
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror}", remedy=f"make it readable: chmod +r {path}", code="source-unreadable"
        ) from error


def _nearest(path: Path) -> str:
    import difflib

    if not path.parent.is_dir():
        return ""
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
    return str(path.parent / near[0]) if near else ""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            yield block
