"""One edge of a route: job → outcome → recognized → verified."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeroute import codec, handover
from edgeroute.cache import Entry
from edgeroute.environments import Ready
from edgeroute.errors import ConverterFailed, EdgerouteError, PluginError, SourceError, VerificationFailed
from edgeroute.jobs import run_job
from edgeroute.recognize import digest_files, recognize
from edgeroute.resolve import ask
from edgeroute.runner import again, repro
from edgeroute.runner.diagnose import failure
from edgeroute.types import Artifact, Calibration, Converter, Facts, Job, Json, Limits, Outcome, StepRecord, digest_json, to_json
from edgeroute.workshop import Workshop, code_digest

"""Note of a converter: names of files beside its output that belong to it, and are delivered with it."""
CODE_READ = "code_read"
"""Note of a converter: the user's own files that decided its result, path → SHA-256; once one of them changes, a kept result counts no more."""


@dataclass(frozen=True)
class Done:
    """A step that ran and whose output was recognized; not yet believed."""

    artifact: Artifact
    record: StepRecord
    entry: Entry
    source: Artifact | None = None
    """What the step was given."""


def run_step(workshop: Workshop, converter: Converter, source: Artifact, options: Any, limits: Limits) -> Done:
    """Run one converter on an artifact, or take its result from the cache.

    Raises ConverterFailed, EnvironmentFailed, or VerificationFailed where the output is not what the edge promises.
    """
    ready = workshop.environments.ensure(converter.environment, workshop.progress)
    key = key_of(workshop, converter, source, options, ready)
    with workshop.cache.alone(key):
        entry = workshop.cache.get("steps", key)
        cached = entry is not None and _intact(entry)
        if entry is not None and not cached:
            workshop.cache.drop(entry.folder)
        if entry is None or not cached:
            entry = _run(workshop, converter, source, options, limits, ready, key)
    try:
        artifact = _recognize(workshop, converter, entry)
    except VerificationFailed as error:
        keep_lie(workshop, converter, source, options, entry, error)
        raise
    return Done(artifact, _record(converter, entry, artifact, options, cached), entry, source)


def keep_lie(workshop: Workshop, converter: Converter, source: Artifact, options: Any, entry: Entry, error: EdgerouteError) -> Path:
    """Leave a folder that repeats a step whose output did not hold, with what it wrote."""
    ready = workshop.environments.ensure(converter.environment, workshop.progress)
    folder = workshop.cache.stage(entry.folder.name)
    try:
        shutil.copytree(entry.folder, folder, dirs_exist_ok=True)
        scratch_copy(source, folder / "in")
        return repro.keep(workshop, converter, ready, options, entry.folder.name, folder, error)
    finally:
        workshop.cache.drop(folder)


def key_of(workshop: Workshop, converter: Converter, source: Artifact, options: Any, ready: Ready) -> str:
    code = _code_of(workshop, converter)
    tool = [workshop.environments.state(converter.tool).digest] if converter.tool else []
    return digest_json([source.sha256, converter.key, converter.version, converter.run, _portable(options), ready.digest, code, *tool])[:32]


def _code_of(workshop: Workshop, converter: Converter) -> dict[str, str]:
    return {package: code_digest(place) for package, place in workshop.code(converter.code).items() if package != "edgeroute"}


def _memo_of(workshop: Workshop, converter: Converter, ready: Ready) -> str:
    """The folder that all edges of a converter's name share, if its options ask for one; the environment and the code decide which."""
    if not any(f.metadata.get("fill") == "memo" for f in dataclasses.fields(converter.options)):
        return ""
    return str(workshop.cache.memo(digest_json([converter.name, ready.digest, _code_of(workshop, converter)])[:32]))


def _portable(options: Any) -> Json:
    """Options without paths of this computer: calibration data counts by its content."""
    values = {f.name: getattr(options, f.name) for f in dataclasses.fields(options)}
    return {name: (value.sha256, value.usable) if isinstance(value, Calibration) else value for name, value in values.items()}


def _intact(entry: Entry) -> bool:
    """Whether a cached output still has the bytes that were written, and the user's code that it was made with is still the same."""
    out = entry.folder / entry.value["out"]
    files = tuple(entry.folder / f for f in entry.value.get("files", ()))
    return out.exists() and digest_files(out, files)[1] == str(entry.value["sha256"]) and _code_unchanged(entry.value.get("facts"))


def _code_unchanged(facts: Json) -> bool:
    notes = facts.get("notes") if isinstance(facts, dict) else None
    read = notes.get(CODE_READ) if isinstance(notes, dict) else None
    return all(Path(f).is_file() and digest_files(Path(f))[1] == told for f, told in read.items()) if isinstance(read, dict) else True


def _run(workshop: Workshop, converter: Converter, source: Artifact, options: Any, limits: Limits, ready: Ready, key: str) -> Entry:
    workshop.progress(f"{converter.name}: {converter.source} → {converter.target}", None)
    folder = workshop.cache.stage(key)
    try:
        return _run_in(workshop, converter, source, options, limits, ready, key, folder)
    except EdgerouteError as error:
        with contextlib.suppress(OSError):
            repro.keep(workshop, converter, ready, options, key, folder, error)
        raise
    finally:
        workshop.cache.drop(folder)


def _run_in(
    workshop: Workshop, converter: Converter, source: Artifact, options: Any, limits: Limits, ready: Ready, key: str, folder: Path
) -> Entry:
    scratch = scratch_copy(source, folder / "in")
    _is_still_itself(source, scratch, converter)
    out = folder / "out" / f"model{workshop.catalog.formats[converter.target].suffix}"
    out.parent.mkdir()
    arguments = {"source": str(scratch.relative_to(folder)), "out": str(out.relative_to(folder)), "options": to_json(options)}
    memo = _memo_of(workshop, converter, ready)
    job = Job("convert", converter.run, arguments, type_name(converter.options), workshop.code(converter.code), memo=memo)
    outcome = run_job(ready.python, job, folder, limits)
    if outcome.status != "ok":
        raise failure(converter, outcome, repro.folder_of(workshop, key))
    if not out.exists() or out.resolve().is_relative_to((folder / "in").resolve()):
        raise ConverterFailed(
            f"{converter.name} said that it succeeded, but wrote no {out.name}",
            where=converter.key,
            remedy=f"read its log in {repro.folder_of(workshop, key)}, or take another edge: --avoid {converter.name}",
            code="converter-wrote-nothing",
        )
    shutil.rmtree(folder / "in", ignore_errors=True)
    again.write(folder, ready, source)
    return workshop.cache.put("steps", key, folder, _written_down(converter, outcome, out, folder))


def scratch_copy(source: Artifact, folder: Path) -> Path:
    """The tool gets a copy of its own, external data included; it may do to it what it likes."""
    folder.mkdir()
    place = folder / source.path.name
    if source.path.is_dir():
        shutil.copytree(source.path, place)
    else:
        shutil.copyfile(source.path, place)
    for file in source.files:
        copy = folder / file.relative_to(source.path.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return place


def _is_still_itself(source: Artifact, scratch: Path, converter: Converter) -> None:
    """What was verified is what the tool is given, even if an earlier one reached for files that are not its own."""
    files = tuple(scratch.parent / f.relative_to(source.path.parent) for f in source.files)
    if source.sha256 not in (digest_files(scratch, files)[1], digest_files(scratch)[1]):  # a converter's companions are not in the digest
        raise SourceError(
            f"{source.path.name} is no longer the file that was verified: something changed it before {converter.name} ran",
            where=str(source.path),
            remedy="convert again: what was changed is made anew; leave out the converter that ran before, with --avoid",
            code="source-changed",
        )


def _beside(out: Path) -> tuple[Path, ...]:
    return tuple(sorted(p for p in out.parent.rglob("*") if p.is_file() and p != out)) if out.is_file() else ()


def digest_output(out: Path) -> str:
    """SHA-256 of what a step wrote, with the files beside it."""
    return digest_files(out, _beside(out))[1]


def _written_down(converter: Converter, outcome: Outcome, out: Path, folder: Path) -> Mapping[str, Json]:
    return {
        "converter": converter.key,
        "out": str(out.relative_to(folder)),
        "files": [str(p.relative_to(folder)) for p in _beside(out)],
        "sha256": digest_output(out),
        "seconds": outcome.seconds,
        "peak_rss_mb": outcome.peak_rss_mb,
        "versions": dict(outcome.versions),
        "facts": outcome.value,
        "verifications": {},
    }


def _recognize(workshop: Workshop, converter: Converter, entry: Entry) -> Artifact:
    """Believe the file, not the converter: what is it, and does it keep the promise of the format that was declared?"""
    out = entry.folder / entry.value["out"]
    remedy = f"take another edge: --avoid {converter.name}"
    try:
        found = recognize(out, workshop.plugins, workshop.catalog)
    except SourceError as error:
        raise VerificationFailed(
            f"{converter.name} left a file that cannot be read: {error.message}", where=converter.key, remedy=remedy, code="step-unreadable"
        ) from error
    broken = broken_promises(workshop, converter.target, found)
    if broken:
        raise VerificationFailed(
            f"{converter.name} promised {converter.target}: {'; '.join(broken)}", where=converter.key, remedy=remedy, code="promise-broken"
        )
    return dataclasses.replace(found, format=converter.target, path=out, files=(*found.files, *_companions(entry, out)))


def _companions(entry: Entry, out: Path) -> tuple[Path, ...]:
    """Further files that the converter says belong to its output (`notes["companions"]`), where it really left them beside it."""
    notes = (entry.value.get("facts") or {}).get("notes") or {}
    left = {Path(f).name for f in entry.value.get("files", ())}
    return tuple(out.with_name(name) for name in notes.get(handover.COMPANIONS, ()) if name in left)


def broken_promises(workshop: Workshop, declared: str, found: Artifact) -> list[str]:
    """Why a file does not deserve the name of a format; empty if it does."""
    catalog, broken = workshop.catalog, list[str]()
    if not (catalog.is_a(found.format, declared) or catalog.is_a(declared, found.format)):
        broken = [f"the file is {found.format}", *[f.message for f in found.facts.findings]]
        if catalog.runner(found.format) is None or catalog.runner(found.format) != catalog.runner(declared):
            return broken
    for name in catalog.lineage(declared):
        if catalog.formats[name].promise:
            broken += _kept(catalog.formats[name].promise, found)
    return list(dict.fromkeys(broken))


def _kept(promise: str, found: Artifact) -> list[str]:
    """What a format's promise says of a file; a promise that cannot be asked is not one that was kept."""
    try:
        return ask(promise, str, found.facts)
    except PluginError as error:
        return [error.message]


def _record(converter: Converter, entry: Entry, artifact: Artifact, options: Any, cached: bool) -> StepRecord:
    value = entry.value
    facts = codec.from_json(Facts, value.get("facts") or {})
    notes = {**facts.notes, **{name: value[name] for name in ("repeatable",) if name in value}}
    return StepRecord(
        converter=converter.name, key=converter.key, source=converter.source, target=converter.target, status="ran",
        seconds=0.0 if cached else value["seconds"], peak_rss_mb=0.0 if cached else value["peak_rss_mb"], cached=cached, artifact=artifact,
        options=_portable_json(options), versions=value["versions"], environment=converter.environment, folder=str(entry.folder),
        command=again.command(entry), findings=facts.findings, notes=notes,
    )  # fmt: skip


def _portable_json(options: Any) -> dict[str, Json]:
    answer: dict[str, Json] = to_json(_portable(options))
    return answer


def type_name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def step_failure(error: EdgerouteError) -> dict[str, Json]:
    """An error as the result tells it."""
    return dict(error.as_json())
