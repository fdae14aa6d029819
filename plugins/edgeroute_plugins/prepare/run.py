"""The preparing edges, as plain functions from file to file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from edgeroute.errors import ConverterFailed
from edgeroute.types import Calibration, Facts
from edgeroute_plugins.prepare import equalize as equalization
from edgeroute_plugins.prepare import exact
from edgeroute_plugins.prepare.fold import fold
from edgeroute_plugins.prepare.graph import Array, Graph, load, save
from edgeroute_plugins.prepare.options import EqualizeOptions, PrepareOptions
from edgeroute_plugins.prepare.rewrite import rewrite
from edgeroute_plugins.prepare.statistics import samples

CHECKED = 3
"""Samples on which a step compares its output with its input."""


def prepare(source: Path, out: Path, options: PrepareOptions) -> Facts:
    """Fold and rewrite; raises ConverterFailed when an output moves."""
    graph = load(source)
    before = graph.to_proto()
    passes = [fold] * options.fold + [rewrite] * options.rewrite + [fold] * (options.fold and options.rewrite)
    counts: dict[str, int] = {}
    for step in passes:
        for name, count in step(graph).items():
            counts[name] = counts.get(name, 0) + count
    notes = {"passes": counts, "operators": [len(before.graph.node), len(graph.nodes)]}
    return _finish(graph, before, out, "prepare", options.calibration, notes)


def equalize(source: Path, out: Path, options: EqualizeOptions) -> Facts:
    """Rescale channels across layers; raises ConverterFailed when an output moves, or without calibration data."""
    graph = load(source)
    before = graph.to_proto()
    feeds = list(samples(_required(options.calibration, "equalize"), graph.input_names, options.samples))
    done = equalization.equalize(graph, feeds, options.granularity == "channel", options.steps)
    notes = {"equalization": dataclasses.asdict(done), "granularity": options.granularity}
    return _finish(graph, before, out, "equalize", options.calibration, notes)


def _required(calibration: Calibration | None, step: str) -> Calibration:
    if calibration is None:
        raise ConverterFailed(
            f"{step} measures activations and has no samples", remedy="give images: --calibrate FOLDER", code="calibration-missing"
        )
    return calibration


def _finish(
    graph: Graph, before: onnx.ModelProto, out: Path, step: str, calibration: Calibration | None, notes: Mapping[str, Any]
) -> Facts:
    """Write the graph after holding its outputs against those of the source."""
    save(graph, out)
    found = exact.fidelity(before, onnx.load(str(out)), _check_feeds(graph, before, calibration))
    exact.require_exact(found, step)
    return Facts(notes={**notes, "fidelity_db": found})


def _check_feeds(graph: Graph, before: onnx.ModelProto, calibration: Calibration | None) -> list[dict[str, Array]]:
    if calibration is None:
        return exact.made_up(before, CHECKED)
    return list(samples(calibration, graph.input_names, CHECKED))
