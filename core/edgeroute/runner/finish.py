"""The compiled file that a colleague sent back, held against the bundle, and the result completed with it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from edgeroute.checks import check_artifact
from edgeroute.codec import from_json
from edgeroute.errors import CheckFailed, SourceError, VerificationFailed
from edgeroute.handover import Bundle, Manifest, open_bundle
from edgeroute.recognize import recognize
from edgeroute.runner import story
from edgeroute.runner.deliver import must_be_writable, put
from edgeroute.runner.hand_over import STATUS
from edgeroute.runner.last_mile import equip
from edgeroute.runner.result import by_weight, unmeasured_behind
from edgeroute.runner.step import broken_promises
from edgeroute.sidecar import Border
from edgeroute.types import (
    Artifact,
    ConversionResult,
    Finding,
    Severity,
    StepRecord,
    Target,
    Tensor,
    ValidationReport,
    Verification,
    to_json,
)
from edgeroute.workshop import Workshop


def finish(
    workshop: Workshop,
    folder: Path,
    compiled: Path,
    out: Path | None = None,
    runtime: Mapping[str, str] | None = None,
    c_header: Path | None = None,
) -> ConversionResult:
    """Complete a handed-over conversion with its compiled file.

    Raises SourceError for what is no bundle or not this bundle's file, VerificationFailed where it was compiled from another
    model, CheckFailed where the device would refuse it; then nothing is written.
    """
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    device = workshop.catalog.target(manifest.target)
    found = recognize(compiled, workshop.plugins, workshop.catalog)
    parts = tuple(recognize(part, workshop.plugins, workshop.catalog) for part in bundle.parts(compiled))
    artifact = _expected(workshop, bundle, found, parts)
    border = from_json(Border, bundle.result.details.get("feeding", {}))
    context = {
        "runtime": dict(runtime or {}),
        "source": manifest.facts,
        "preprocess": border.preprocess,
        "folded": border.raw_pixels,
        "verification": None,
    }
    validation = check_artifact(workshop, artifact, device, context)
    _must_pass(validation, manifest)
    place = _place(manifest, out)
    must_be_writable(place, compiled)
    sealed, details = story.after_hand_over(workshop, bundle.result, artifact, manifest.converter)
    delivered = put(sealed.artifact, place, workshop.catalog.formats[artifact.format].companions)
    story.place_beside(sealed, place)
    completed = _completed(bundle, delivered, validation, device)
    completed = dataclasses.replace(completed, details={**completed.details, **details})
    return equip(completed, device, border, manifest.facts, c_header)


def _expected(workshop: Workshop, bundle: Bundle, found: Artifact, parts: Sequence[Artifact]) -> Artifact:
    """The file (and the further parts that belong to it) under the format that the bundle waits for; raises where it is another."""
    manifest = bundle.manifest
    if found.sha256 == manifest.files.get(manifest.model):
        raise _wrong(found, manifest, "it is the bundle's own model, as it was before compilation", "compiled-is-model")
    for part in (found, *parts):
        broken = broken_promises(workshop, manifest.format, part)
        if broken:
            raise _wrong(part, manifest, "; ".join(broken), "compiled-format")
    differences = [
        *_differences("input", manifest.facts.inputs, found.facts.inputs),
        *_differences("output", manifest.facts.outputs, _outputs(found, parts)),
    ]
    if differences:
        raise VerificationFailed(
            f"{found.path.name} was compiled from another model: {'; '.join(differences)}",
            where=str(found.path),
            remedy=f"compile the bundle's own {manifest.model}: `bash {manifest.script}` in the bundle",
            code="compiled-mismatch",
        )
    return dataclasses.replace(found, format=manifest.format, files=(*found.files, *(p.path for p in parts)))


def _outputs(found: Artifact, parts: Sequence[Artifact]) -> tuple[Tensor, ...]:
    """What all parts give together: without what one of them hands to a later one."""
    inner = {t.name for part in parts for t in part.facts.inputs} - {t.name for t in found.facts.inputs}
    return tuple(t for part in (found, *parts) for t in part.facts.outputs if t.name not in inner)


def _wrong(found: Artifact, manifest: Manifest, why: str, code: str) -> SourceError:
    return SourceError(
        f"{found.path.name} is not the {manifest.format} file that the bundle waits for: {why}",
        where=str(found.path),
        remedy=f"give the file that `bash {manifest.script}` leaves in the bundle: {manifest.produces}",
        code=code,
    )


def _differences(kind: str, before: Sequence[Tensor], after: Sequence[Tensor]) -> Iterator[str]:
    """How the compiled file's border differs from the model's; nothing where the file does not tell its own."""
    if not after:
        return
    found = {t.name: t for t in after}
    for old in before:
        new = found.pop(old.name, None)
        if new is None:
            yield f"it has no {kind} {old.name}"
        elif (old.shape, old.dtype) != (new.shape, new.dtype):
            yield f"{kind} {new.name} is {new.dtype} {list(new.shape)} instead of {old.dtype} {list(old.shape)}"
        elif (old.scale, old.zero_point) != (new.scale, new.zero_point):
            yield f"{kind} {new.name} is quantized by {new.scale}, {new.zero_point} instead of {old.scale}, {old.zero_point}"
    yield from (f"it has the {kind} {name} more" for name in found)


def _must_pass(validation: ValidationReport, manifest: Manifest) -> None:
    if validation.ok:
        return
    worst = min(validation.findings, key=lambda f: f.severity.rank)
    raise CheckFailed(
        f"{manifest.target} would refuse the compiled file: {worst.message}", where=worst.where, remedy=worst.remedy, code=worst.code
    )


def _place(manifest: Manifest, out: Path | None) -> Path:
    """`--out` as for convert; else the name that the conversion would have given the file, in the current folder."""
    name = Path(manifest.delivers).name
    if out is None:
        return Path.cwd() / name
    return out / name if out.is_dir() or str(out).endswith(os.sep) else out


def _completed(bundle: Bundle, artifact: Artifact, validation: ValidationReport, device: Target) -> ConversionResult:
    result, manifest = bundle.result, bundle.manifest
    told = result.details.get("handover", {})
    step = StepRecord(
        converter=manifest.converter.partition(":")[0], key=manifest.converter, source=manifest.converter.partition(":")[2].partition("->")[0],
        target=manifest.format, status="passed", verification=Verification("unmeasured"), artifact=artifact,
        notes={**manifest.notes, "by": "a colleague, from the bundle"},
    )  # fmt: skip
    steps = (*result.steps, step)
    kept = (f for f in result.findings if f.code != STATUS)
    findings = by_weight((*kept, *validation.findings, *_tampered(bundle), unmeasured_behind(steps, artifact.format, device)))
    return dataclasses.replace(
        result,
        status="degraded" if told.get("degraded") else "succeeded",
        artifact=artifact,
        route=(*result.route, step.converter),
        steps=steps,
        findings=findings,
        validation=validation,
        details={**result.details, "before_compile": to_json(result.validation)},
    )


def _tampered(bundle: Bundle) -> tuple[Finding, ...]:
    """Files of the bundle that changed on their way: the compiled file may not be what was verified."""
    changed = bundle.changed()
    if not changed:
        return ()
    return (
        Finding(
            "bundle-changed",
            Severity.WARNING,
            f"{len(changed)} files of the bundle are not what they were when it was written: {', '.join(changed[:4])}",
            "compile again from an untouched copy of the bundle, unless you know why they differ",
            where=str(bundle.folder.name),
            cost=0.5,
        ),
    )
