"""The last edge's tool is not here: everything before it was done and verified, and a colleague gets the rest as a bundle."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import edgeroute
from edgeroute import handover
from edgeroute.codec import from_json
from edgeroute.errors import OutputError, PluginError
from edgeroute.handover import Manifest
from edgeroute.jobs import run_job
from edgeroute.runner import letter
from edgeroute.runner.deliver import destination, must_have_room
from edgeroute.runner.diagnose import failure
from edgeroute.runner.last_mile import fed
from edgeroute.runner.request import Request, options_for
from edgeroute.runner.result import Journey, by_weight, result_of
from edgeroute.runner.step import type_name
from edgeroute.sidecar import Border
from edgeroute.types import ConversionResult, Converter, Facts, Finding, Job, Json, Severity, Tool, to_json
from edgeroute.workshop import Workshop

STATUS = "handed-over"


def bundle_place(source: Path, target: str, out: Path | None) -> Path:
    """Where the bundle goes: beside where the result would go."""
    place = destination(source, target, ".handover", out)
    return place if place.suffix == ".handover" else place.with_suffix(".handover")


def must_be_bundle_place(place: Path) -> None:
    """Raise OutputError before any work where a bundle could not be written; an older bundle may be replaced, anything else not."""
    if place.exists() and not handover.is_bundle(place):
        raise OutputError(f"{place} exists and is no bundle", remedy="move it away, or name another place with --out", code="output-exists")
    must_have_room(place)


def hand_over(journey: Journey, converter: Converter, request: Request, fills: Mapping[str, object], border: Border) -> ConversionResult:
    """Write the bundle and say what is in it. Raises ConverterFailed where the plugin cannot write its part, OutputError for the place."""
    workshop, place = journey.workshop, bundle_place(journey.source.path, journey.target, request.out)
    must_be_bundle_place(place)
    workshop.progress(f"writing {place.name} for a colleague", None)
    staged = workshop.cache.stage("handover")
    try:
        written = _plugins_part(journey, converter, request, fills, staged)
        manifest = _manifest(journey, converter, request, written)
        result = fed(_result(journey, converter, manifest, written), border)
        letter.write(staged / "bundle", manifest, result, _tool(workshop, converter))
        handover.seal(staged / "bundle", manifest, result, _places(workshop, journey, request))
        _put(staged / "bundle", place)
    finally:
        workshop.cache.drop(staged)
    told: Mapping[str, Json] = result.details["handover"]
    details = {**result.details, "handover": {**told, "bundle": str(place), "finish": f"edgeroute finish {place} COMPILED"}}
    return dataclasses.replace(result, details=details)


def _plugins_part(journey: Journey, converter: Converter, request: Request, fills: Mapping[str, object], staged: Path) -> Facts:
    """The model in its folder, and what the plugin's function wrote beside it."""
    workshop, artifact = journey.workshop, journey.arrival.artifact
    suffix = "".join(artifact.path.suffixes[-1:])
    model = staged / "bundle" / f"model{suffix}"
    model.parent.mkdir()
    shutil.copyfile(artifact.path, model)
    for file in artifact.files:
        copy = model.parent / file.relative_to(artifact.path.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    ready = workshop.environments.ensure(converter.environment, workshop.progress)
    arguments = {"source": f"bundle/{model.name}", "out": "bundle", "options": to_json(options_for(converter, request, fills))}
    job = Job("convert", converter.handover, arguments, type_name(converter.options), workshop.code(converter.code))
    outcome = run_job(ready.python, job, staged, request.limits)
    if outcome.status != "ok":
        raise failure(converter, outcome, staged)
    return _kept_its_word(converter, from_json(Facts, outcome.value), model)


def _kept_its_word(converter: Converter, written: Facts, model: Path) -> Facts:
    script, produces = written.notes.get("script"), written.notes.get("produces")
    if not (isinstance(script, str) and isinstance(produces, str) and (model.parent / script).is_file() and model.is_file()):
        raise PluginError(
            f"{converter.handover} left no model, or no script that its notes name",
            where=converter.key,
            remedy="its author: return Facts(notes={'script': 'run.sh', 'produces': 'NAME'}) and write that script beside the model",
            code="handover-incomplete",
        )
    return written


def _manifest(journey: Journey, converter: Converter, request: Request, written: Facts) -> Manifest:
    source, artifact = journey.source, journey.arrival.artifact
    suffix = journey.workshop.catalog.formats[converter.target].suffix
    return Manifest(
        schema=handover.SCHEMA,
        edgeroute=edgeroute.__version__,
        target=journey.target,
        converter=converter.key,
        tool=converter.tool,
        format=converter.target,
        delivers=destination(source.path, journey.target, suffix, request.out).name,
        model=f"model{artifact.path.suffix}",
        script=str(written.notes["script"]),
        produces=str(written.notes["produces"]),
        facts=artifact.facts,
        source={"name": source.path.name, "format": source.format, "sha256": source.sha256, "bytes": source.bytes},
        notes=written.notes,
    )


def _result(journey: Journey, converter: Converter, manifest: Manifest, written: Facts) -> ConversionResult:
    result = result_of(journey, status=STATUS)
    state = journey.workshop.environments.state(converter.tool)
    finding = Finding(
        "handed-over",
        Severity.WARNING,
        f"{converter.name} is left to do: {state.reason}",
        f"give the bundle to a colleague who has the tool, then `edgeroute finish`; or get it: {state.remedy}",
        where=converter.key,
        cost=1.0,
    )
    told = {
        "converter": converter.key,
        "tool": converter.tool,
        "reason": state.reason,
        "remedy": state.remedy,
        "model": manifest.model,
        "script": manifest.script,
        "produces": manifest.produces,
        "commands": written.notes.get("commands", [f"bash {manifest.script}"]),
        "degraded": journey.status == "degraded",
    }
    findings = by_weight((finding, *written.findings, *result.findings))
    return dataclasses.replace(result, findings=findings, details={**result.details, "handover": told})


def _tool(workshop: Workshop, converter: Converter) -> Tool:
    tool = workshop.catalog.environments[converter.tool]
    if not isinstance(tool, Tool):
        raise PluginError(
            f"{converter.tool}, the tool of {converter.name}, is an environment",
            remedy="its author: declare a Tool",
            where=converter.key,
            code="bad-tool",
        )
    return tool


def _places(workshop: Workshop, journey: Journey, request: Request) -> dict[Path, str]:
    """The folders of this computer that a bundle must not name, and the words that stand for them."""
    own = {Path.home(): "~", workshop.cache.root: "EDGEROUTE_HOME", Path.cwd(): ".", journey.source.path.absolute().parent: "."}
    own |= {Path(edgeroute.__file__).parent: "EDGEROUTE", Path(sys.prefix): "PYTHON"}
    named = [p for p in (request.calibrate, request.out) if p is not None]
    own |= {p.absolute().parent: "." for p in named}
    return {form: word for place, word in own.items() for form in (place.absolute(), place.resolve())}


def _put(folder: Path, place: Path) -> None:
    """The whole bundle at its place, by way of a folder beside it that is renamed at the end."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, part)
        shutil.rmtree(place, ignore_errors=True)
        part.rename(place)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise OutputError(
            f"{place} cannot be written: {error.strerror}",
            remedy="free space there, or name another place with --out",
            code="output-unwritable",
        ) from error
