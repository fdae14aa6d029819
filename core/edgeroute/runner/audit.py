"""A delivered file held against what it says about itself: is it the file that was verified, and does it come from this model?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeroute import codec, provenance
from edgeroute.errors import SourceError
from edgeroute.provenance import Origin
from edgeroute.recognize import recognize
from edgeroute.runner import measure, shapes
from edgeroute.runner.blame import kept_samples
from edgeroute.runner.chain import Chain
from edgeroute.runner.request import Request
from edgeroute.runner.step import Done
from edgeroute.types import Artifact, Converter, Finding, Json, Preprocess, Shown, StepRecord, Tensor, Verification
from edgeroute.workshop import Workshop


@dataclass(frozen=True)
class Check:
    """One question about a file, and its answer."""

    name: str
    """origin, bytes, source or parity."""
    ok: bool
    said: str
    remedy: str = ""
    """Empty where all is well."""


@dataclass(frozen=True)
class Audit(Shown):
    """What `edgeroute verify` found."""

    path: Path
    format: str
    target: str
    place: str
    """Where the origin stands: inside the file, or beside it."""
    ok: bool
    checks: tuple[Check, ...]
    provenance: Mapping[str, Json] = field(default_factory=dict)
    """What the file says about where it comes from."""
    verification: Verification | None = None
    """Measured again; None without a source, or where nothing on this computer can execute the file."""
    findings: tuple[Finding, ...] = ()


def audit(workshop: Workshop, file: Path, source: Path | None, request: Request) -> Audit:
    """Recompute and compare; with a source, measure the parity again on the request's samples (random ones without).

    Raises SourceError for a file that says nothing about itself.
    """
    artifact = recognize(file, workshop.plugins, workshop.catalog)
    origin = _origin(workshop, artifact)
    if isinstance(origin, Check):
        return Audit(file, artifact.format, "", "inside", False, (origin,))
    checks = [Check("origin", True, f"it stands {origin.place} the file"), _bytes(origin)]
    verification: Verification | None = None
    findings: tuple[Finding, ...] = ()
    if source is not None:
        given = recognize(source, workshop.plugins, workshop.catalog)
        checks.append(_source(origin, given))
        if checks[-1].ok:
            verification, findings, parity = _parity(workshop, artifact, origin, given, request)
            checks.append(parity)
    said, target = origin.statement, str(origin.statement.get("target", ""))
    ok = all(c.ok for c in checks)
    return Audit(file, artifact.format, target, origin.place, ok, tuple(checks), said, verification, findings)


def _origin(workshop: Workshop, artifact: Artifact) -> Origin | Check:
    try:
        origin = provenance.read(workshop, artifact)
    except SourceError as error:
        if error.code != "stamp-broken":
            raise
        return Check("origin", False, error.message, error.remedy)
    if origin is not None:
        return origin
    raise SourceError(
        f"{artifact.path.name} says nothing about where it comes from",
        where=str(artifact.path),
        remedy=f"give a file that `edgeroute convert` wrote, with its {artifact.path.name}{provenance.SIDECAR} where there is one",
        code="provenance-missing",
    )


def _bytes(origin: Origin) -> Check:
    if origin.unchanged:
        return Check("bytes", True, "to the byte the file that was verified")
    return Check(
        "bytes", False, "the model was changed after it had been verified", "take the file as edgeroute wrote it, or convert again"
    )


def _source(origin: Origin, given: Artifact) -> Check:
    named: Mapping[str, Json] = origin.statement.get("source") or {}
    if named.get("sha256") == given.sha256:
        return Check("source", True, f"{given.path.name} is the model that it was made from")
    said = f"it was made from another model: {named.get('name')} (SHA-256 {str(named.get('sha256'))[:12]}…, this one {given.sha256[:12]}…)"
    return Check("source", False, said, "give the very file that was converted, or convert this one")


def _parity(
    workshop: Workshop, artifact: Artifact, origin: Origin, given: Artifact, request: Request
) -> tuple[Verification | None, tuple[Finding, ...], Check]:
    said = origin.statement
    inputs = shapes.resolve(given.facts.inputs or _recorded_inputs(said), request.input_shapes or _shapes(said))
    border: Mapping[str, Json] = said.get("border") or {}
    chain = Chain(bool(border.get("raw_pixels")), border.get("notes") or {})
    preprocess = request.preprocess if request.preprocess.known else codec.from_json(Preprocess, said.get("preprocess") or {})
    asked = Request(calibrate=request.calibrate, preprocess=preprocess)
    digest = str((said.get("calibration") or {}).get("sha256", ""))
    kept = None if request.calibrate else kept_samples(workshop, digest)
    samples = measure.Samples(kept) if kept else measure.prepare(workshop, asked, inputs, pixels=chain.raw_pixels)
    reference = measure.refer(workshop, given, samples, inputs, at=chain.cut)
    verification = _measured(workshop, artifact, said, samples, reference, request.thresholds, chain)
    recorded: Mapping[str, Json] = said.get("parity") or {} if digest == samples.calibration.sha256 else {}
    check = _verdict(verification, reference is not None, recorded, random=samples.calibration.random)
    return verification, (*samples.findings, *verification.findings), check


def _measured(
    workshop: Workshop,
    artifact: Artifact,
    said: Mapping[str, Json],
    samples: measure.Samples,
    reference: measure.Reference | None,
    limits: Mapping[str, float],
    chain: Chain,
) -> Verification:
    """As a step would be, under the name of the last one."""
    key = str(said["steps"][-1]["key"]) if said.get("steps") else artifact.format
    converter = Converter(key.partition(":")[0], artifact.format, artifact.format, "")
    entry = workshop.cache.get("audits", artifact.sha256[:32])
    if entry is None:
        entry = workshop.cache.put("audits", artifact.sha256[:32], workshop.cache.stage(artifact.sha256[:32]), {})
    record = StepRecord(converter.name, key, artifact.format, artifact.format, "ran")
    return measure.verify(workshop, Done(artifact, record, entry), converter, samples, reference, limits, chain)


def _verdict(verification: Verification, has_reference: bool, recorded: Mapping[str, Json], *, random: bool) -> Check:
    if verification.status == "unmeasured" or not has_reference:
        what = "the file" if verification.status == "unmeasured" else "the source"
        return Check("parity", True, f"unmeasured: nothing on this computer executes {what}")
    worst = verification.sqnr_db
    then = recorded.get("sqnr_db")
    numbers = "exact" if worst is None or worst >= 200 else f"{worst:.1f} dB"
    told = f"; {then:.1f} dB when it was made" if isinstance(then, (int, float)) else ""
    if random and verification.kind == "int8" and verification.outputs:
        said = f"{numbers} on {verification.samples} random samples, which prove little for an int8 file: measure with --calibrate"
        return Check("parity", True, said)
    said = f"{verification.status}: {numbers} on {verification.samples} samples{told}"
    remedy = next((f.remedy for f in verification.findings), "convert again, with --report") if verification.status == "failed" else ""
    return Check("parity", verification.status != "failed", said, remedy)


def _shapes(said: Mapping[str, Json]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in (said.get("input_shapes") or {}).items()}


def _recorded_inputs(said: Mapping[str, Json]) -> tuple[Tensor, ...]:
    """For sources whose files do not say what they take."""
    return tuple(_tensors(_shapes(said)))


def _tensors(named: Mapping[str, Sequence[int]]) -> Iterator[Tensor]:
    for name, shape in named.items():
        yield Tensor(name or "input", tuple(shape), "float32")
