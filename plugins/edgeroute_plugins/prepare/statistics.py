"""What the activations of a graph look like on calibration samples: extremes, mean and power per class of channels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime

from edgeroute.types import Calibration
from edgeroute_plugins import feeding
from edgeroute_plugins.feeding import Slot
from edgeroute_plugins.prepare.graph import Array, Graph


@dataclass
class Statistics:
    """Per channel of one tensor; arrays of length C, or 1 for a tensor without channels."""

    low: Array
    high: Array
    mean: Array
    power: Array
    """Mean of the square."""
    count: int

    @property
    def variance(self) -> Array:
        return np.maximum(self.power - self.mean**2, 0.0)


def samples(calibration: Calibration, graph: Graph, limit: int) -> list[dict[str, Array]]:
    """Feeds by input name, at most `limit` of the usable samples, spread evenly, turned to the layout that the graph takes."""
    slots = [Slot(name, graph.shapes[name], kind) for name, kind in graph.input_types.items()]
    every = max(1, calibration.usable // max(1, limit))
    rows = itertools.islice(feeding.samples(calibration, slots), 0, every * limit, every)
    return [dict(zip(graph.input_names, row, strict=True)) for row in rows]


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def measure(graph: Graph, feeds: Iterable[Mapping[str, Array]], axes: Mapping[str, int | None]) -> dict[str, Statistics]:
    """Statistics of the tensors in `axes` (name → channel axis, or None for the tensor as a whole), sample by sample."""
    model = graph.to_proto()
    wanted = [name for name in axes if name not in graph.constants]
    present = set(graph.output_names)
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in wanted if n not in present and n not in graph.input_names)
    runner = session(model)
    names = [n for n in wanted if n not in graph.input_names]
    found: dict[str, Statistics] = {}
    for feed in feeds:
        values = dict(zip(names, runner.run(names, dict(feed)), strict=True)) | {n: feed[n] for n in wanted if n in feed}
        for name, value in values.items():
            if value.dtype == np.float32:
                _add(found, name, value, axes[name])
    return found


def _add(found: dict[str, Statistics], name: str, value: Array, axis: int | None) -> None:
    flat = value.reshape(1, -1) if axis is None else np.moveaxis(value, axis, 0).reshape(value.shape[axis], -1)
    low, high = flat.min(axis=1), flat.max(axis=1)
    mean, power = flat.mean(axis=1, dtype=np.float64), np.einsum("ij,ij->i", flat, flat, dtype=np.float64) / flat.shape[1]
    old = found.get(name)
    if old is None:
        found[name] = Statistics(low.astype(np.float64), high.astype(np.float64), mean, power, 1)
        return
    old.low, old.high = np.minimum(old.low, low), np.maximum(old.high, high)
    old.mean += (mean - old.mean) / (old.count + 1)
    old.power += (power - old.power) / (old.count + 1)
    old.count += 1
