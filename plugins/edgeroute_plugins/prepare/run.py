"""The preparing edges, as plain functions from file to file. Each holds its outputs against its source's before it is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from edgeroute.errors import ConverterFailed, UsageError
from edgeroute.types import Calibration, Facts, to_json
from edgeroute_plugins.prepare import camera as cameras
from edgeroute_plugins.prepare import caps, exact, fine, gates, heads
from edgeroute_plugins.prepare import cut as cuts
from edgeroute_plugins.prepare import equalize as equalization
from edgeroute_plugins.prepare.fold import fold
from edgeroute_plugins.prepare.graph import Array, Graph, load, save
from edgeroute_plugins.prepare.options import CameraOptions, CutOptions, EqualizeOptions, PrepareOptions, SplitOptions
from edgeroute_plugins.prepare.rewrite import rewrite
from edgeroute_plugins.prepare.statistics import samples

FINE = 0.15
"""Share of multiplications that brought a network with long tails most; more brought it less."""
FEW = 8
"""Samples that show where an activation's values lie."""
CHECKED = 3
"""Samples on which a step compares its outputs with its source's."""


def prepare(source: Path, out: Path, options: PrepareOptions) -> Facts:
    """Fold, rewrite, and compute parts of joined tensors directly; raises ConverterFailed when an output moves."""
    graph = load(source)
    before = graph.to_proto()
    asked = ((fold, options.fold), (rewrite, options.rewrite), (fold, options.fold and options.rewrite))
    counts: dict[str, int] = {}
    for step in (step for step, wanted in asked if wanted):
        for name, count in step(graph).items():
            counts[name] = counts.get(name, 0) + count
    if options.fold and (direct := heads.unjoin(graph)):
        counts["unjoin"] = direct
    _require(exact.fidelity(before, graph.to_proto(), _feeds(graph, options.calibration)), "prepare")
    return _saved(graph, out, {"passes": counts, "operators": [len(before.graph.node), len(graph.nodes)]})


def camera(source: Path, out: Path, options: CameraOptions) -> Facts:
    """Fold the preprocessing in, so that the network takes pixels 0..255, RGB, in its own layout; raises ConverterFailed where it cannot."""
    graph = load(source)
    before = graph.to_proto()
    name, axis = cameras.picture(graph)
    mapping = cameras.mapping_of(options.preprocess, graph.shapes[name][axis])
    done = cameras.fold_preprocessing(graph, options.preprocess)
    pixels = [np.random.default_rng(i).integers(0, 256, graph.shapes[name]).astype(np.float32) for i in range(CHECKED)]
    old = [{name: mapping.apply(p, axis)} for p in pixels]
    found = exact.fidelity(before, graph.to_proto(), old, [{name: p} for p in pixels])
    _require(found, "camera")
    return _saved(
        graph, out, {"raw_pixels": True, "camera": {"how": done, "preprocess": to_json(options.preprocess)}, "fidelity_db": found}
    )


def cut(source: Path, out: Path, options: CutOptions) -> Facts:
    """End the network earlier; the tensors at the cut are computed as before."""
    graph = load(source, raised=False)
    cuts.pin(graph, options.input_shapes)
    before = graph.to_proto()
    dropped = list(graph.output_names)
    names = cuts.cut(graph, options.at)
    reference = _with_outputs(before, graph)
    _require(exact.fidelity(reference, graph.to_proto(), _feeds(graph, options.calibration)), "cut")
    notes = {"cut": {"outputs": names, "dropped": [n for n in dropped if n not in names]}}
    return _saved(graph, out, notes)


def split_heads(source: Path, out: Path, options: SplitOptions) -> Facts:
    """Give the parts of joined outputs outputs of their own; raises ConverterFailed when nothing is joined that needs it."""
    graph = load(source)
    before = graph.to_proto()
    feeds = _samples(graph, options.calibration, "split-heads", options.samples)
    splits = heads.split_heads(graph, feeds, options.ratio, _named_axes(options.at))
    if not splits:
        remedy = "leave it out; or name an output and an axis: --set split-heads.at=NAME:AXIS"
        raise ConverterFailed("no output joins parts of different range", where="split-heads", remedy=remedy, code="split-nothing")
    _require(exact.fidelity(before, _rejoined(graph, before, splits), feeds[:CHECKED]), "split-heads")
    return _saved(graph, out, {"splits": [dataclasses.asdict(s) for s in splits]})


def equalize(source: Path, out: Path, options: EqualizeOptions) -> Facts:
    """Rescale channels across layers; raises ConverterFailed when an output moves, or without calibration data."""
    graph = load(source)
    before = graph.to_proto()
    feeds = _samples(graph, options.calibration, "equalize", options.samples)
    also = _also(graph, feeds, options)
    split = fine.split_early(graph, feeds[:FEW], options.fine) if options.fine > 0 else []
    opened = gates.open_gates(graph) if options.gates else 0
    capped = caps.open_caps(graph) if options.caps == "minimum" else []
    done = equalization.equalize(graph, feeds, options.granularity == "channel", options.steps, below_caps=options.caps == "below")
    closed = caps.close_caps(graph, capped)
    found = exact.fidelity(before, graph.to_proto(), feeds[:CHECKED])
    _require(found, "equalize")
    notes = {
        "equalization": dataclasses.asdict(done),
        "granularity": options.granularity,
        "gates": opened,
        "caps": len(capped) - closed,
        "fine": split,
        "also": also,
        "fidelity_db": found,
    }
    return _saved(graph, out, notes)


def _also(graph: Graph, feeds: list[dict[str, Array]], options: EqualizeOptions) -> list[dict[str, Any]]:
    """Further settings that this network gives reason to try: networks that were built for 8 bits lose by what others live on."""
    found: list[dict[str, Any]] = []
    if options.caps == "keep" and caps.find_caps(graph):
        found += [{"caps": "minimum"}, {"caps": "below"}]
    if options.fine == 0 and fine.plan_early(graph, feeds[:FEW], FINE):
        found.append({"fine": FINE})
    return found


def _samples(graph: Graph, calibration: Calibration | None, step: str, limit: int) -> list[dict[str, Array]]:
    if calibration is None:
        remedy = "give images: --calibrate FOLDER"
        raise UsageError(f"{step} measures activations and has no samples", remedy=remedy, code="calibration-needed")
    return samples(calibration, graph, limit)


def _feeds(graph: Graph, calibration: Calibration | None) -> list[dict[str, Array]]:
    """What a step is checked on: samples, or noise when there are none."""
    return exact.made_up(graph.to_proto(), CHECKED) if calibration is None else samples(calibration, graph, CHECKED)


def _require(found: Mapping[str, float], step: str) -> None:
    exact.require_exact(found, step)


def _saved(graph: Graph, out: Path, notes: Mapping[str, Any]) -> Facts:
    save(graph, out)
    return Facts(notes=notes)


def _with_outputs(model: onnx.ModelProto, graph: Graph) -> onnx.ModelProto:
    """The model with the outputs of a graph that was cut out of it."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(graph.proto.graph.output)
    return copy


def _rejoined(graph: Graph, before: onnx.ModelProto, splits: list[heads.Split]) -> onnx.ModelProto:
    """The split model with the parts concatenated under the source's names."""
    model = graph.to_proto()
    for split in splits:
        model.graph.node.append(onnx.helper.make_node("Concat", list(split.parts), [split.output], axis=split.axis))
    del model.graph.output[:]
    model.graph.output.extend(before.graph.output)
    return model


def _named_axes(entries: tuple[str, ...]) -> dict[str, int] | None:
    """`NAME:AXIS` entries as a mapping; None when there are none."""
    found = {}
    for entry in entries:
        name, _, axis = entry.rpartition(":")
        if not name or not axis.lstrip("-").isdigit():
            remedy = "write NAME:AXIS, for example output0:1"
            raise UsageError(f"{entry!r} names no output and axis", where="split-heads.at", remedy=remedy, code="split-unknown")
        found[name] = int(axis)
    return found or None
