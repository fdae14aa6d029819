"""A model and a device → a verified file at its place."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgeroute import planner
from edgeroute.checks import BEFORE, check_artifact
from edgeroute.errors import EdgerouteError, EnvironmentFailed, PlanError, SourceError, TrustError, VerificationFailed
from edgeroute.recognize import digest_files, recognize
from edgeroute.runner import measure, shapes, story
from edgeroute.runner.blocked import blocked_edges, handed_edges
from edgeroute.runner.chain import CUT, Chain, chain_of
from edgeroute.runner.deliver import destination, must_be_writable, put
from edgeroute.runner.explore import Search
from edgeroute.runner.fills import fills
from edgeroute.runner.hand_over import bundle_place, hand_over, must_be_bundle_place
from edgeroute.runner.in_grey_levels import in_grey_levels
from edgeroute.runner.last_mile import equip
from edgeroute.runner.request import Request, check_options
from edgeroute.runner.result import Journey, result_of
from edgeroute.runner.search import arrive, searched
from edgeroute.runner.step import Done
from edgeroute.runner.trail import Trail
from edgeroute.runner.wishes import wished
from edgeroute.sidecar import Border
from edgeroute.types import Artifact, ConversionResult, Converter, LeftOut, Tensor, ValidationReport, Verification
from edgeroute.verify import thresholds
from edgeroute.verify.traced import CUT_ELSEWHERE
from edgeroute.workshop import Workshop


@dataclass
class Yardstick:
    """What steps are measured with; the reference is the source, or the first file after it that can be executed."""

    workshop: Workshop
    request: Request
    samples: measure.Samples
    inputs: tuple[Tensor, ...]
    source: Artifact
    reference: measure.Reference | None
    let_through: list[str] = field(default_factory=list)
    """Digests of the files whose breach of a threshold the user allowed."""
    cut_from: dict[tuple[str, ...], Artifact] = field(default_factory=dict)
    """Tensors at which a step ended the network → the verified file that had them."""

    def verify(self, done: Done, converter: Converter, chain: Chain) -> Verification:
        self.source_untouched(converter)
        answer = measure.verify(self.workshop, done, converter, self.samples, self._reference(done, chain), self.request.thresholds, chain)
        if answer.status == "failed" and self.request.allow_degraded and not thresholds.is_final(answer):
            self.let_through.append(done.artifact.sha256)
            answer = dataclasses.replace(answer, status="degraded")
        if self.reference is None:
            self.reference = measure.refer(self.workshop, done.artifact, self.samples, self.inputs, measure.words(self.request))
        return answer

    def _reference(self, done: Done, chain: Chain) -> measure.Reference | None:
        """The source's outputs; or behind a cut its tensors of those names, where it has none those of the file that was cut."""
        if chain.cut and CUT in done.record.notes and done.source is not None:
            self.cut_from[chain.cut] = done.source
        return self.referred(chain)

    def referred(self, chain: Chain) -> measure.Reference | None:
        """What files at this border are measured against."""
        if self.reference is None or not chain.cut:
            return self.reference
        try:
            return self._cut(self.reference.artifact, chain)
        except VerificationFailed as error:
            if error.code != CUT_ELSEWHERE or chain.raw_pixels or chain.cut not in self.cut_from:
                raise
            return self._cut(self.cut_from[chain.cut], chain)

    def _cut(self, artifact: Artifact, chain: Chain) -> measure.Reference | None:
        return measure.refer(self.workshop, artifact, self.samples, self.inputs, measure.words(self.request), chain.cut)

    def source_untouched(self, converter: Converter) -> None:
        if digest_files(self.source.path, self.source.files)[1] != self.source.sha256:
            raise SourceError(
                f"{self.source.path} changed while {converter.name} ran",
                where=str(self.source.path),
                remedy="restore it from your backup; nothing that edgeroute runs is given that path, so look for who else writes there",
                code="source-changed",
            )


def convert(workshop: Workshop, source: Path, target: str, request: Request) -> ConversionResult:
    """Convert a model file for a device; raises the family of errors.EdgerouteError, and then nothing is left behind."""
    started = time.monotonic()
    workshop.cache.sweep()
    device = workshop.catalog.target(target)
    check_options(workshop.catalog, request.options)
    thresholds.thresholds(request.thresholds)
    if request.out is not None:
        must_be_writable(destination(source, target, "", request.out), source)
    artifact = recognize(source, workshop.plugins, workshop.catalog)
    _plan_before_work(workshop, artifact, target, request)
    inputs = shapes.resolve(_inputs(artifact, request), request.input_shapes)
    may_fold = request.preprocess.known and (device.camera or bool(request.via))
    samples = measure.prepare(workshop, request, inputs, pixels=may_fold)
    reference = measure.refer(workshop, artifact, samples, inputs, measure.words(request))
    yardstick = Yardstick(workshop, request, samples, inputs, artifact, reference)
    trail = Trail()

    def validate(file: Artifact, verification: Verification | None, origin: Artifact | None, chain: Chain) -> ValidationReport:
        return check_artifact(workshop, file, device, context(request, verification, file, origin, chain))

    def filled(chain: Chain) -> Mapping[str, object]:
        return fills(samples, inputs, request, chain)

    wishes = wished(workshop.catalog, device, request.preprocess) if samples.calibration.pixels else ()
    search = Search(workshop, target, request, filled, yardstick.verify, validate, yardstick.source_untouched, wishes)
    try:
        arrival, tried = arrive(search, artifact, trail)
    except EdgerouteError as error:
        error.story.setdefault("rejected", trail.rejected)
        raise
    found = (
        *searched(request.effort, tried),
        *in_grey_levels(workshop, request, samples, inputs, arrival.steps, yardstick.referred),
    )
    seconds = time.monotonic() - started
    journey = Journey(workshop, artifact, target, arrival, samples, trail, tuple(yardstick.let_through), seconds, tried, findings=found)
    journey = story.told(journey, request)
    arrival, chain = journey.arrival, chain_of(journey.arrival.steps)
    border = _border(request, samples, chain)
    if arrival.handed is not None:
        return hand_over(journey, arrival.handed, request, filled(chain), border)
    return _deliver(journey, request, border)


def _border(request: Request, samples: measure.Samples, chain: Chain) -> Border:
    calibration = samples.calibration
    told = {"sha256": calibration.sha256, "samples": calibration.usable, "made_up": calibration.random}
    return Border(request.preprocess, chain.raw_pixels, told)


def context(
    request: Request, verification: Verification | None, file: Artifact, origin: Artifact | None, chain: Chain
) -> dict[str, object]:
    """What the rules of a device may know beside the file."""
    phase = {"phase": BEFORE} if origin is file else {}
    source = {"source": origin.facts} if origin is not None else {}
    known = {"verification": verification, "runtime": request.runtime, "preprocess": request.preprocess, "folded": chain.raw_pixels}
    return {**known, **phase, **source}


def _deliver(journey: Journey, request: Request, border: Border) -> ConversionResult:
    arrival, workshop = journey.arrival, journey.workshop
    kind = workshop.catalog.formats[arrival.artifact.format]
    place = destination(journey.source.path, journey.target, kind.suffix, request.out)
    must_be_writable(place, journey.source.path, folder=arrival.artifact.path.is_dir())
    sealed = story.sealed(journey)
    artifact = put(sealed.artifact, place, kind.companions)
    story.place_beside(sealed, place)
    journey = dataclasses.replace(journey, findings=(*journey.findings, *sealed.findings))
    before = arrival.origin.facts if arrival.origin is not None else None
    return equip(result_of(journey, artifact=artifact), workshop.catalog.target(journey.target), border, before, request.c_header)


def _plan_before_work(workshop: Workshop, artifact: Artifact, target: str, request: Request) -> None:
    """Say that there is no route, or that its tool is missing and must not be, before anything is built or run."""
    filled = fills(None, (), request)
    blocked, catalog = blocked_edges(workshop, artifact, request, filled), workshop.catalog
    handed = handed_edges(workshop, artifact, dataclasses.replace(request, require_complete=False), filled)
    try:
        plan = planner.plan(catalog, artifact.format, target, blocked=blocked, via=request.via, avoid=request.avoid, handed=handed, k=1)
    except PlanError as error:
        raise _word_missing(workshop, artifact, target, request, blocked) or error from None
    missing = plan.routes[0].handover
    if missing and request.require_complete:
        raise EnvironmentFailed(blocked[missing].reason, where=missing, remedy=blocked[missing].remedy, code="tool-missing")
    if missing:
        must_be_bundle_place(bundle_place(artifact.path, target, request.out))


def _word_missing(
    workshop: Workshop, artifact: Artifact, target: str, request: Request, blocked: Mapping[str, LeftOut]
) -> TrustError | None:
    """The refusal to load a file that runs code, where nothing but the user's word keeps a route closed."""
    trusting = dataclasses.replace(request, trust_pickle=True)
    still = blocked_edges(workshop, artifact, trusting, fills(None, (), trusting))
    opened = [reason for key, reason in blocked.items() if key not in still]
    try:
        planner.plan(workshop.catalog, artifact.format, target, blocked=still, via=request.via, avoid=request.avoid, k=1)
    except PlanError:
        return None
    return TrustError(opened[0].reason, where=artifact.path.name, remedy=opened[0].remedy, code="trust-needed") if opened else None


def _inputs(artifact: Artifact, request: Request) -> tuple[Tensor, ...]:
    """The source's inputs as its file tells them; where the format does not, as the user does."""
    if artifact.facts.inputs:
        return artifact.facts.inputs
    if request.input_shapes:
        return tuple(Tensor(name or "input", shape, "float32") for name, shape in request.input_shapes.items())
    raise SourceError(
        f"{artifact.path.name} does not say what it takes ({artifact.format} files never do)",
        where=str(artifact.path),
        remedy="add --input-shape 1,3,224,224",
        code="shape-open",
    )
