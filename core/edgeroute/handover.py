"""A bundle for a colleague who has the vendor's tool: what lies in it, and how it is read back.

<name>.handover/
    README.md       for the colleague: what to run and what to send back
    manifest.json   what the bundle is for, and the SHA-256 of everything in it
    result.json     the conversion as far as it went, so that `edgeroute finish` can complete it
    model.<suffix>  the model, converted and verified up to the missing tool
    run.sh, …       the exact commands, and the data that they read: written by the plugin that knows the tool
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgeroute.codec import from_json
from edgeroute.errors import EdgerouteError, SourceError
from edgeroute.files import read_json, write_json
from edgeroute.recognize import digest_files
from edgeroute.types import ConversionResult, Facts, Json, to_json

SCHEMA = "edgeroute-handover/1"
MANIFEST = "manifest.json"
RESULT = "result.json"
README = "README.md"
COMPANIONS = "companions"
"""Note of a converter, and of a plugin's part of a bundle: names of further files that the output consists of."""


@dataclass(frozen=True)
class Manifest:
    """What a bundle is for; paths are relative to the bundle."""

    schema: str
    edgeroute: str
    """Version that wrote it."""
    target: str
    converter: str
    """Key of the edge that is left to do."""
    tool: str
    format: str
    """Of the compiled file."""
    delivers: str
    """Name of the finished file, unless `finish --out` says another."""
    model: str
    script: str
    produces: str
    """What the script leaves in the bundle when all goes well: the file to send back."""
    facts: Facts
    """Of the verified model: the names, shapes and scales that the compiled file must still have."""
    source: Mapping[str, Json] = field(default_factory=dict)
    """name, format, sha256 and bytes of what the user gave."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Relative path → SHA-256, of everything but the manifest itself."""
    notes: Mapping[str, Json] = field(default_factory=dict)
    """What the plugin says about its part."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read back."""

    folder: Path
    manifest: Manifest
    result: ConversionResult

    @property
    def model(self) -> Path:
        return self.folder / self.manifest.model

    def parts(self, compiled: Path) -> tuple[Path, ...]:
        """The further files that the script leaves beside the compiled one; SourceError where one of them is not there."""
        parts = tuple(compiled.with_name(Path(str(name)).name) for name in self.manifest.notes.get(COMPANIONS, ()))
        missing = [part.name for part in parts if not part.is_file()]
        if missing:
            raise SourceError(
                f"{compiled.name} is the first of {len(parts) + 1} files, and {', '.join(missing)} is not beside it",
                where=str(compiled.parent),
                remedy=f"put all that `bash {self.manifest.script}` left into one folder, under the names that it gave them",
                code="compiled-incomplete",
            )
        return parts

    def changed(self) -> list[str]:
        """Files that are no longer what they were when the bundle was written, missing ones included."""
        return sorted(name for name, sha256 in self.manifest.files.items() if _sha256(self.folder / name) != sha256)


def seal(folder: Path, manifest: Manifest, result: ConversionResult, places: Mapping[Path, str]) -> None:
    """Write the conversion so far and then the manifest with the digests of all files; `places` are written as the words that stand for them."""
    from dataclasses import replace

    write_json(folder / RESULT, impersonal(to_json(result), places))
    files = {str(p.relative_to(folder)): _sha256(p) for p in _members(folder)}
    write_json(folder / MANIFEST, impersonal(to_json(replace(manifest, files=files)), places))


def open_bundle(folder: Path) -> Bundle:
    """Read a bundle back; SourceError where the folder is none, or one that this version cannot read."""
    table = read_json(folder / MANIFEST)
    if not is_bundle(folder) or not isinstance(table, dict):
        raise SourceError(
            f"{folder} is no bundle of edgeroute's: it holds no {MANIFEST}",
            where=str(folder),
            remedy="name the folder that `edgeroute convert` wrote, NAME.handover",
            code="bundle-unknown",
        )
    try:
        manifest = from_json(Manifest, table)
        result = from_json(ConversionResult, read_json(folder / RESULT))
    except EdgerouteError as error:
        raise SourceError(
            f"the bundle cannot be read: {error.message}",
            where=str(folder),
            remedy="take the bundle as it was written, and the edgeroute version that its manifest names; or convert again",
            code="bundle-damaged",
        ) from error
    return Bundle(folder, manifest, result)


def is_bundle(folder: Path) -> bool:
    """Whether a folder holds a manifest of this kind."""
    table = read_json(folder / MANIFEST)
    return isinstance(table, dict) and table.get("schema") == SCHEMA


def impersonal(value: Json, places: Mapping[Path, str]) -> Json:
    """JSON in which every folder of this computer is replaced by the word that stands for it: a bundle names no user's home."""
    if isinstance(value, str):
        for place in sorted(places, key=lambda p: -len(str(p))):
            if len(place.parts) > 1:
                value = value.replace(str(place), places[place])
        return value
    if isinstance(value, Mapping):
        return {key: impersonal(item, places) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [impersonal(item, places) for item in value]
    return value


def _members(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and p != folder / MANIFEST)


def _sha256(file: Path) -> str:
    return digest_files(file)[1] if file.is_file() else ""
