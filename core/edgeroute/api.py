"""The same program through Python: what `from edgeroute import …` gives."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeroute import codec, planner, resolve
from edgeroute.errors import SourceError
from edgeroute.recognize import recognize
from edgeroute.runner.blocked import blocked_edges, handed_edges
from edgeroute.runner.fills import fills
from edgeroute.runner.request import Request, check_options
from edgeroute.runner.shapes import settled
from edgeroute.runner.wishes import best_plan, wished
from edgeroute.types import (
    Artifact,
    ConversionResult,
    Converter,
    Facts,
    Format,
    Limits,
    Plan,
    Preprocess,
    Target,
    ValidationReport,
    Verification,
)
from edgeroute.workshop import RUNTIME, Workshop, open_workshop

if TYPE_CHECKING:  # what only runs conversions is imported where it is used: a plan is to be there at once
    from edgeroute.runner.audit import Audit
    from edgeroute.runner.blame import Blame

Shape = Sequence[int]


def convert(
    source: object,
    to: str,
    *,
    out: str | Path | None = None,
    calibrate: str | Path | None = None,
    preprocess: Preprocess | str | Path | None = None,
    input_shapes: Mapping[str, Shape] | Shape | None = None,
    example_inputs: Any = None,
    via: Sequence[str] = (),
    avoid: Sequence[str] = (),
    options: Mapping[str, Mapping[str, Any]] | None = None,
    thresholds: Mapping[str, float] | None = None,
    allow_degraded: bool = False,
    effort: str = "auto",
    metric: str = "",
    attribution: bool = False,
    check_determinism: bool = False,
    bisect: float = 0.0,
    trust_pickle: bool = False,
    model: str = "",
    signature: str = "",
    runtime: Mapping[str, str] | None = None,
    require_complete: bool = False,
    c_header: str | Path | None = None,
    limits: Limits | None = None,
    offline: bool = False,
    plugins: Iterable[str | Path] = (),
    workshop: Workshop | None = None,
) -> ConversionResult:
    """Turn a model (a path, or a live nn.Module, keras.Model or ModelProto) into a verified file for a device.

    `out` names the result (default `<stem>.<to><suffix>` in the current folder); `calibrate` is a folder of images or an
    .npz/.npy of the model's own inputs; `input_shapes` pins open dimensions by input name; `options` is
    converter → option → value. Raises a subclass of errors.EdgerouteError; then nothing is left behind and what was there is untouched.
    """
    shop = workshop or open_workshop(map(Path, plugins), offline=offline)
    request = Request(
        out=Path(out) if out is not None else None,
        calibrate=Path(calibrate) if calibrate is not None else None,
        preprocess=_preprocess(preprocess),
        input_shapes=_shapes(input_shapes),
        via=tuple(via),
        avoid=tuple(avoid),
        options=dict(options or {}),
        thresholds=dict(thresholds or {}),
        allow_degraded=allow_degraded,
        effort=effort,
        metric=metric,
        attribution=attribution,
        check_determinism=check_determinism,
        bisect=bisect,
        trust_pickle=trust_pickle,
        model_factory=model,
        signature=signature,
        runtime=dict(runtime or {}),
        require_complete=require_complete,
        c_header=Path(c_header) if c_header is not None else None,
        limits=limits or Limits(),
    )
    if isinstance(source, (str, Path)):
        from edgeroute.runner.convert import convert as run_conversion

        return run_conversion(shop, Path(source), to, request)
    return _convert_live(shop, source, to, request, example_inputs)


def finish(
    bundle: str | Path,
    compiled: str | Path,
    *,
    out: str | Path | None = None,
    runtime: Mapping[str, str] | None = None,
    c_header: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
    workshop: Workshop | None = None,
) -> ConversionResult:
    """Complete a handed-over conversion (`status` handed-over, its bundle in `details["handover"]`) with the file that a colleague compiled."""
    from edgeroute.runner.finish import finish as finish_bundle

    shop = workshop or open_workshop(map(Path, plugins))
    place, header = (Path(p) if p is not None else None for p in (out, c_header))
    return finish_bundle(shop, Path(bundle), Path(compiled), place, runtime, header)


def plan(
    source: str | Path,
    to: str,
    *,
    k: int = 3,
    via: Sequence[str] = (),
    avoid: Sequence[str] = (),
    options: Mapping[str, Mapping[str, Any]] | None = None,
    preprocess: Preprocess | str | Path | None = None,
    input_shapes: Mapping[str, Shape] | Shape | None = None,
    trust_pickle: bool = False,
    model: str = "",
    signature: str = "",
    offline: bool = False,
    plugins: Iterable[str | Path] = (),
    workshop: Workshop | None = None,
) -> Plan:
    """Rank the routes from a file (or a format by name) to a device, with the reason for every edge that is left out.

    The first one is what `convert` takes first when it is given pictures and the same preprocessing; where its int8 file misses a good mark, a
    search goes on from there (`effort`).
    """
    shop = workshop or open_workshop(map(Path, plugins), offline=offline)
    request = Request(
        via=tuple(via),
        avoid=tuple(avoid),
        options=dict(options or {}),
        preprocess=_preprocess(preprocess),
        input_shapes=_shapes(input_shapes),
        trust_pickle=trust_pickle,
        model_factory=model,
        signature=signature,
    )
    check_options(shop.catalog, request.options)
    device = shop.catalog.target(to)
    artifact = None if _is_format(shop, source) else recognize(Path(source), shop.plugins, shop.catalog)
    name = artifact.format if artifact is not None else str(source)
    filled = fills(None, settled(artifact, request.input_shapes), request)
    blocked, handed = blocked_edges(shop, artifact, request, filled), handed_edges(shop, artifact, request, filled)

    def ranked(pins: Sequence[str]) -> Plan:
        return planner.plan(shop.catalog, name, to, blocked=blocked, via=pins, avoid=request.avoid, handed=handed, k=k)

    return best_plan(ranked, request.via, wished(shop.catalog, device, request.preprocess))


def _is_format(workshop: Workshop, source: str | Path) -> bool:
    """Whether a plan is asked for a format by its name; what is neither that nor a file is told with the nearest name."""
    name, formats = str(source), workshop.catalog.formats
    if Path(source).exists():
        return False
    near = difflib.get_close_matches(name, formats, n=1) if Path(name).name == name and not Path(name).suffix else []
    if near and name not in formats:
        raise SourceError(
            f"there is no file {name}, and no format of that name",
            remedy=f"did you mean {near[0]}? `edgeroute list formats` shows them all",
            code="source-missing",
        )
    return name in formats


def check(
    model: str | Path,
    to: str,
    *,
    runtime: Mapping[str, str] | None = None,
    preprocess: Preprocess | str | Path | None = None,
    execute: bool = True,
    offline: bool = False,
    plugins: Iterable[str | Path] = (),
    workshop: Workshop | None = None,
) -> ValidationReport:
    """Hold a file against the rules of a device; with `execute`, also load and run it once in a child process."""
    from edgeroute.checks import check_artifact

    shop = workshop or open_workshop(map(Path, plugins), offline=offline)
    target = shop.catalog.target(to)
    artifact = recognize(Path(model), shop.plugins, shop.catalog)
    smoke = _smoke(shop, artifact) if execute else None
    given, said = _preprocess(preprocess), _said(shop, artifact)
    told = codec.from_json(Preprocess, said.get("preprocess") or {})
    context = {
        "runtime": dict(runtime or {}),
        "preprocess": given if given.known else told,
        "folded": bool((said.get("border") or {}).get("raw_pixels")),
        "verification": smoke,
    }
    return check_artifact(shop, artifact, target, context)


def _said(workshop: Workshop, artifact: Artifact) -> Mapping[str, Any]:
    """What a file tells about where it comes from; nothing where it tells nothing, or nothing that fits it any more."""
    from edgeroute import provenance

    try:
        origin = provenance.read(workshop, artifact)
    except SourceError:
        return {}
    return origin.statement if origin is not None and origin.unchanged else {}


def inspect(model: str | Path, *, offline: bool = False, plugins: Iterable[str | Path] = (), workshop: Workshop | None = None) -> Artifact:
    """Measure a file: inputs, outputs, operators, quantization; with a library's help (shapes, MACs) where one is at hand."""
    shop = workshop or open_workshop(map(Path, plugins), offline=offline)
    artifact = recognize(Path(model), shop.plugins, shop.catalog)
    runner = shop.catalog.runner(artifact.format)
    if runner is None or not runner.inspect or not _at_hand(shop, runner.environment):
        return artifact
    folder = shop.cache.stage("inspect")
    try:
        arguments = {"function": runner.inspect, "paths": {"model": str(artifact.path.absolute())}}
        outcome = shop.call("edgeroute.resolve:call_with_paths", arguments, runner.environment, folder, runner.code)
        return dataclasses.replace(artifact, facts=codec.from_json(Facts, outcome.value)) if outcome.status == "ok" else artifact
    finally:
        shop.cache.drop(folder)


def verify(
    file: str | Path,
    *,
    source: str | Path | None = None,
    calibrate: str | Path | None = None,
    preprocess: Preprocess | str | Path | None = None,
    thresholds: Mapping[str, float] | None = None,
    offline: bool = False,
    plugins: Iterable[str | Path] = (),
    workshop: Workshop | None = None,
) -> Audit:
    """Hold a delivered file against what it says about itself; with its source, measure it again (preprocessing as the file tells, unless given)."""
    from edgeroute.runner.audit import audit as audit_file

    shop = workshop or open_workshop(map(Path, plugins), offline=offline)
    request = Request(
        calibrate=Path(calibrate) if calibrate is not None else None,
        preprocess=_preprocess(preprocess),
        thresholds=dict(thresholds or {}),
    )
    return audit_file(shop, Path(file), Path(source) if source is not None else None, request)


def blame(
    first: str | Path,
    second: str | Path | None = None,
    *,
    calibrate: str | Path | None = None,
    preprocess: Preprocess | str | Path | None = None,
    input_shapes: Mapping[str, Shape] | Shape | None = None,
    offline: bool = False,
    plugins: Iterable[str | Path] = (),
    workshop: Workshop | None = None,
) -> Blame:
    """Where a loss enters: in a conversion (the path of its result as JSON), or between two files, the better one first."""
    from edgeroute.runner.blame import blame_files, blame_result

    shop = workshop or open_workshop(map(Path, plugins), offline=offline)
    request = Request(
        calibrate=Path(calibrate) if calibrate is not None else None,
        preprocess=_preprocess(preprocess),
        input_shapes=_shapes(input_shapes),
    )
    return blame_files(shop, Path(first), Path(second), request) if second is not None else blame_result(shop, Path(first), request)


def formats(workshop: Workshop | None = None) -> tuple[Format, ...]:
    """The nodes of the graph, by name."""
    return tuple(sorted((workshop or open_workshop()).catalog.formats.values(), key=lambda f: f.name))


def converters(workshop: Workshop | None = None) -> tuple[Converter, ...]:
    """The edges of the graph, by key."""
    return (workshop or open_workshop()).catalog.converters


def targets(workshop: Workshop | None = None) -> tuple[Target, ...]:
    """The devices, by name."""
    return tuple(sorted((workshop or open_workshop()).catalog.targets.values(), key=lambda t: t.name))


def _convert_live(workshop: Workshop, obj: object, to: str, request: Request, example_inputs: Any) -> ConversionResult:
    from edgeroute.runner.convert import convert as run_conversion

    folder = workshop.cache.stage("live")
    try:
        path = workshop.plugins.first("capture", obj=obj, folder=folder, inputs=example_inputs)
        if path is None:
            kind = f"{type(obj).__module__}.{type(obj).__qualname__}"
            raise SourceError(
                f"edgeroute cannot convert a {kind}",
                remedy="give a path, an nn.Module with example_inputs=, a keras.Model or a ModelProto",
                code="unknown-object",
            )
        trusted = dataclasses.replace(request, trust_pickle=True)
        return run_conversion(workshop, Path(path), to, trusted)
    finally:
        workshop.cache.drop(folder)


def _smoke(workshop: Workshop, artifact: Artifact) -> Verification | None:
    """Load and run a file once; None where nothing here executes it, or where that would first need a download."""
    runner = workshop.catalog.runner(artifact.format)
    if runner is None or workshop.catalog.formats[artifact.format].precision == "opaque" or not _at_hand(workshop, runner.environment):
        return None
    from edgeroute.runner.measure import smoke

    return smoke(workshop, artifact, runner)


def _at_hand(workshop: Workshop, environment: str) -> bool:
    state = workshop.environments.state(environment or RUNTIME)
    return state.status in ("ready", "caller") or (state.status == "to-build" and not workshop.offline)


def _preprocess(value: Preprocess | str | Path | None) -> Preprocess:
    if value is None:
        return Preprocess()
    if isinstance(value, Preprocess):
        return value
    loaded: Preprocess = resolve.resolve_function("edgeroute.verify.preprocess:load")(Path(value))
    return loaded


def _shapes(value: Mapping[str, Shape] | Shape | None) -> dict[str, tuple[int, ...]]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {name: tuple(shape) for name, shape in value.items()}
    return {"": tuple(value)}
