"""A plan in a file: the route by the keys of its edges, what was asked with it, and what all that stood for when it was saved.

Replaying pins exactly that route; what has changed since is told, and never silently taken for the same.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import edgeroute
from edgeroute import codec
from edgeroute.errors import OutputError, PlanError, SourceError, UsageError
from edgeroute.files import write_text
from edgeroute.recognize import digest_files
from edgeroute.runner.request import Request
from edgeroute.types import Artifact, Converter, Environment, Json, Plan, Preprocess, to_json
from edgeroute.workshop import Workshop, code_digest

SCHEMA = "edgeroute-plan/1"


@dataclass(frozen=True)
class SavedStep:
    """One edge of a saved route, and what it stood for."""

    key: str
    version: str
    code: str
    """Digest of the plugin's code."""
    environment: str = ""
    pins: str = ""
    """Digest of what the environment declares."""
    built: str = ""
    """Digest of what was really installed; empty while nobody had built it."""


@dataclass(frozen=True)
class SavedPlan:
    """What `plan --save` writes."""

    schema: str
    edgeroute: str
    source: str
    """The model's path as seen from the plan's folder, or the name of a format."""
    format: str
    sha256: str
    """Of the model; empty where only a format was named."""
    target: str
    steps: tuple[SavedStep, ...]
    options: Mapping[str, Mapping[str, Json]]
    preprocess: Preprocess = Preprocess()
    input_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    model: str = ""
    """The factory of a network that a state dict belongs to; that its code may run is said anew (`--trust-pickle`)."""
    signature: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(step.key for step in self.steps)


def save(workshop: Workshop, plan: Plan, path: Path, artifact: Artifact | None, asked: Request) -> SavedPlan:
    """Write the best route of a plan, and what decided it. Raises OutputError."""
    route = plan.routes[0]
    saved = SavedPlan(
        schema=SCHEMA,
        edgeroute=edgeroute.__version__,
        source=os.path.relpath(artifact.path, path.absolute().parent) if artifact is not None else plan.source,
        format=plan.source,
        sha256=artifact.sha256 if artifact is not None else "",
        target=plan.target,
        steps=tuple(_step(workshop, c) for c in route.converters),
        options=asked.options,
        preprocess=asked.preprocess,
        input_shapes=asked.input_shapes,
        model=asked.model_factory,
        signature=asked.signature,
    )
    try:
        write_text(path, json.dumps(to_json(saved), indent=1) + "\n")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}", remedy="name a file in a folder that exists", code="output-unwritable"
        ) from error
    return saved


def load(path: Path) -> SavedPlan:
    """Read a saved plan. Raises SourceError for a file that is none."""
    try:
        saved = codec.from_json(SavedPlan, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise SourceError(
            f"there is no file {path}", remedy="save one: edgeroute plan MODEL --to TARGET --save plan.json", code="source-missing"
        ) from error
    except (OSError, ValueError, UsageError) as error:
        raise _no_plan(path, str(error)) from error
    if saved.schema != SCHEMA or not saved.steps:
        raise _no_plan(path, f"its schema is {saved.schema!r}")
    return saved


def source_of(saved: SavedPlan, path: Path) -> Path:
    """The model that a plan was made for. Raises UsageError where it names only a format."""
    if not saved.sha256:
        raise UsageError(
            f"{path.name} was made for any {saved.format} file",
            remedy=f"say which one: edgeroute convert MODEL --plan {path}",
            code="plan-without-model",
        )
    return path.absolute().parent / saved.source


def pinned(workshop: Workshop, saved: SavedPlan, request: Request) -> Request:
    """A request that takes this route and no other; what the request says itself wins over what was saved.

    Raises PlanError where an edge of the route is not here any more.
    """
    known = {c.key for c in workshop.catalog.converters}
    gone = [key for key in saved.keys if key not in known]
    if gone:
        raise PlanError(
            f"the saved route takes {', '.join(gone)}, which no plugin here brings",
            remedy="install or enable that plugin (`edgeroute plugins`), or plan anew: edgeroute plan MODEL --to " + saved.target,
            code="plan-edge-gone",
        )
    options = {name: {**values, **request.options.get(name, {})} for name, values in saved.options.items()}
    return dataclasses.replace(
        request,
        via=saved.keys,
        avoid=tuple(sorted(known - set(saved.keys))),
        options={**request.options, **options},
        preprocess=request.preprocess if request.preprocess.known else saved.preprocess,
        input_shapes=request.input_shapes or saved.input_shapes,
        model_factory=request.model_factory or saved.model,
        signature=request.signature or saved.signature,
    )


def changes(workshop: Workshop, saved: SavedPlan, source: Path) -> list[str]:
    """What is not as it was when the plan was saved, in sentences; empty when nothing is."""
    found: list[str] = []
    if saved.edgeroute != edgeroute.__version__:
        found.append(f"edgeroute was {saved.edgeroute} and is {edgeroute.__version__}")
    if saved.sha256 and source.exists() and digest_files(source)[1] != saved.sha256:
        found.append(f"{source.name} is another file than the one that was planned for, or has changed")
    now = {c.key: _step(workshop, c) for c in workshop.catalog.converters if c.key in saved.keys}
    for step in saved.steps:
        if step.key in now:
            found += _differences(step, now[step.key])
    return list(dict.fromkeys(found))


def _differences(then: SavedStep, now: SavedStep) -> list[str]:
    name, place = then.key.partition(":")[0], now.environment or "this interpreter"
    said = []
    if then.version != now.version:
        said.append(f"{name} was version {then.version} and is {now.version}")
    if then.code != now.code:
        said.append(f"the code of {name} has changed")
    if then.environment != now.environment or then.pins != now.pins:
        said.append(f"{name} now runs in another environment: {place} asks for other packages")
    elif then.built and now.built and then.built != now.built:
        said.append(f"what is installed in the environment {place} has changed")
    elif then.built and not now.built:
        said.append(f"the environment {place} is not built here yet")
    return said


def _step(workshop: Workshop, converter: Converter) -> SavedStep:
    places = workshop.code(converter.code)
    code = "".join(code_digest(place) for package, place in sorted(places.items()) if package != "edgeroute")
    declared = workshop.catalog.environments.get(converter.environment)
    pins = declared.digest if isinstance(declared, Environment) else ""
    built = workshop.environments.state(converter.environment).digest if converter.environment else ""
    return SavedStep(converter.key, converter.version, code[:32], converter.environment, pins, built)


def _no_plan(path: Path, why: str) -> SourceError:
    return SourceError(
        f"{path.name} is no saved plan: {why}",
        where=str(path),
        remedy="save one: edgeroute plan MODEL --to TARGET --save plan.json",
        code="plan-unreadable",
    )
