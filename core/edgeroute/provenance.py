"""Where a file comes from, told by the file itself: inside it where its format has room for a text, else in a file beside it.

The text is canonical JSON without a date, a path or a measured time, so that the same inputs give the same bytes. It holds the digest of
the file as it was before the text went in; whoever changes the model afterwards cannot keep both. It protects against accidents, not
against forgers: nothing is signed.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from edgeroute.errors import EdgerouteError, PluginError, SourceError, VerificationFailed
from edgeroute.files import write_text
from edgeroute.recognize import recognize
from edgeroute.types import Artifact, Finding, Format, Json, Outcome, Severity, digest_json, to_json
from edgeroute.workshop import Workshop, code_digest

SCHEMA = "edgeroute-provenance/1"
SIDECAR = ".provenance.json"


@dataclass(frozen=True)
class Sealed:
    """An artifact on its way to the user, and what goes beside it."""

    artifact: Artifact
    beside: str = ""
    """Text for a file of its own; empty where the artifact carries it."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Origin:
    """What a file says about where it comes from."""

    statement: Mapping[str, Json]
    place: str
    """inside or beside."""
    sha256: str
    """Of the file without the text, as it is now."""

    @property
    def unchanged(self) -> bool:
        """Whether the model is, to the byte, what the statement speaks of."""
        return bool(self.sha256) and self.sha256 == dict(self.statement.get("artifact") or {}).get("sha256")


def encode(statement: Mapping[str, Json]) -> str:
    """Canonical JSON."""
    return json.dumps(to_json(statement), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def impersonal(value: Json) -> Json:
    """JSON in which a path is its last part: where a file lay on somebody's computer is nobody's business."""
    if isinstance(value, Mapping):
        return {str(k): impersonal(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [impersonal(v) for v in value]
    if isinstance(value, str) and len(value) < 4096 and (PurePath(value).is_absolute() or value.startswith("~")):
        return PurePath(value).name
    return value


def beside(place: Path) -> Path:
    """Where the text of a file lies that cannot carry it."""
    return place.with_name(place.name + SIDECAR)


def write_beside(place: Path, text: str) -> None:
    """Put the text beside a delivered file, or remove what an earlier conversion left there."""
    if text:
        write_text(beside(place), json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        beside(place).unlink(missing_ok=True)


def seal(workshop: Workshop, artifact: Artifact, text: str) -> Sealed:
    """Write the text into a copy of the file and prove that nothing else changed; where that cannot be, the text goes beside it."""
    kind = workshop.catalog.formats[artifact.format]
    if not kind.stamp or artifact.path.is_dir() or artifact.files:
        return Sealed(artifact, text)
    try:
        return Sealed(_stamped(workshop, kind, artifact, text))
    except EdgerouteError as error:
        return Sealed(artifact, text, (_not_inside(artifact, error),))


def _not_inside(artifact: Artifact, error: EdgerouteError) -> Finding:
    return Finding(
        "provenance-beside",
        Severity.TIP,
        f"the file could not take its origin in: {error.message}",
        f"keep the file that ends in {SIDECAR} with it",
        where=artifact.path.name,
    )


def _stamped(workshop: Workshop, kind: Format, artifact: Artifact, text: str) -> Artifact:
    packages = _packages(workshop, kind)
    code = [code_digest(workshop.catalog.code[p]) for p in packages if p in workshop.catalog.code]
    key = digest_json([artifact.sha256, text, kind.stamp, kind.unstamp, code])[:32]
    entry = workshop.cache.get("stamped", key)
    if entry is None:
        folder = workshop.cache.stage(key)
        try:
            written = _write(workshop, kind, artifact, text, folder)
            entry = workshop.cache.put("stamped", key, folder, written)
        finally:
            workshop.cache.drop(folder)
    path = entry.folder / f"model{artifact.path.suffix}"
    return dataclasses.replace(artifact, path=path, sha256=entry.value["sha256"], bytes=entry.value["bytes"])


def _write(workshop: Workshop, kind: Format, artifact: Artifact, text: str, folder: Path) -> Mapping[str, Json]:
    """The stamped file in the folder, loaded and run once beside the one without the stamp."""
    workshop.progress("writing the file's origin into it", None)
    out, work = folder / f"model{artifact.path.suffix}", folder / "work"
    arguments = {"stamp": kind.stamp, "unstamp": kind.unstamp, "model": str(artifact.path), "out": str(out), "text": text}
    outcome = workshop.call("edgeroute.stamping:write", arguments, "", work, _packages(workshop, kind))
    _must_be_ok(outcome, kind.stamp)
    found = recognize(out, workshop.plugins, workshop.catalog)
    borders = [(f.inputs, f.outputs) for f in (found.facts, artifact.facts)]
    if not (workshop.catalog.is_a(artifact.format, found.format) or workshop.catalog.is_a(found.format, artifact.format)):
        raise PluginError(f"with its origin inside, the file is {found.format}", remedy="its author: mend the stamp", where=kind.stamp)
    if borders[0] != borders[1]:
        raise PluginError("with its origin inside, the file has another border", remedy="its author: mend the stamp", where=kind.stamp)
    _must_compute_the_same(workshop, artifact, out, work)
    shutil.rmtree(work, ignore_errors=True)
    return dict(outcome.value)


def _must_compute_the_same(workshop: Workshop, artifact: Artifact, out: Path, work: Path) -> None:
    runner = workshop.catalog.runner(artifact.format)
    if runner is None or workshop.catalog.formats[artifact.format].precision == "opaque":
        return
    arguments = {"runner": runner.run, "first": str(artifact.path), "second": str(out)}
    outcome = workshop.call("edgeroute.verify.same:differing", arguments, runner.environment, work, runner.code)
    _must_be_ok(outcome, runner.run)
    if outcome.value:
        raise VerificationFailed(
            f"with its origin inside, it computes something else: {', '.join(outcome.value)}",
            remedy="this is a bug of the format's plugin: report it",
            where=out.name,
            code="stamp-changes",
        )


def read(workshop: Workshop, artifact: Artifact) -> Origin | None:
    """What a file says about itself; None where it says nothing. SourceError where what it says is damaged."""
    return _inside(workshop, artifact) or _beside(artifact)


def _inside(workshop: Workshop, artifact: Artifact) -> Origin | None:
    kind = workshop.catalog.formats[artifact.format]
    if not kind.unstamp or artifact.path.is_dir():
        return None
    folder = workshop.cache.stage("origin")
    try:
        arguments = {"unstamp": kind.unstamp, "model": str(artifact.path.absolute()), "out": str(folder / "model")}
        outcome = workshop.call("edgeroute.stamping:read", arguments, "", folder / "work", _packages(workshop, kind))
        _must_be_ok(outcome, kind.unstamp)
        text = str(outcome.value["text"])
        return Origin(_decoded(text, artifact.path), "inside", outcome.value["sha256"]) if text else None
    finally:
        workshop.cache.drop(folder)


def _beside(artifact: Artifact) -> Origin | None:
    file = beside(artifact.path)
    if not file.is_file():
        return None
    return Origin(_decoded(file.read_text(encoding="utf-8", errors="replace"), file), "beside", artifact.sha256)


def _decoded(text: str, file: Path) -> Mapping[str, Json]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict) and value.get("schema") == SCHEMA:
        return value
    raise SourceError(
        f"{file.name} tells its origin in a way that this version cannot read",
        where=str(file),
        remedy="take the edgeroute version that wrote it, or convert the source again",
        code="provenance-unreadable",
    )


def _packages(workshop: Workshop, kind: Format) -> tuple[str, ...]:
    return tuple(sorted({name.partition(":")[0].partition(".")[0] for name in (kind.stamp, kind.unstamp) if name}))


def _must_be_ok(outcome: Outcome, whose: str) -> None:
    if outcome.status == "ok":
        return
    error = outcome.error
    raise SourceError(
        str(error.get("message") or f"{whose} ended with {outcome.status}"),
        where=str(error.get("where") or whose),
        remedy=str(error.get("remedy") or "convert the source again"),
        code=str(error.get("code") or "stamp-failed"),
    )
