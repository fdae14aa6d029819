"""Where the loss enters: two files layer by layer, and the share of each layer in what is lost at the end.

The loss of a tensor is its noise power over the reference's power, at most 1; of a concat's result the mean over the parts that were
joined, each against its own power (boxes must not hide dead scores). What enters at a layer is how far its loss exceeds the largest
loss of anything before it, so that the shares along a path add up and later averaging takes nothing back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.codec import from_json
from edgeroute.errors import UsageError
from edgeroute.resolve import resolve_function
from edgeroute.types import Calibration, Json, Layer, Tensor, Trace
from edgeroute.verify import arrays, border, layouts, pairing
from edgeroute.verify.compare import decibels
from edgeroute.verify.layouts import Layout
from edgeroute.verify.matching import Match, match
from edgeroute.verify.samples import measured

Array = Any
SAMPLES = 4
AUDIBLE_DB = 30.0
"""The first layer under this is where trouble starts."""
AGREE = 1e-6
"""60 dB: what is lost in rounding."""
CONCATS = frozenset({"CONCATENATION", "Concat"})


@dataclass
class Noise:
    """Sums over the samples, per part of one tensor."""

    layout: Layout
    axis: int = 0
    edges: tuple[int, ...] = ()
    """Borders of a concat's parts on the reference's axis; empty for one part."""
    power: Array = 0.0
    noise: Array = 0.0

    def add(self, reference: Array, other: Array) -> None:
        r = np.asarray(reference, np.float64)
        d = np.nan_to_num(self.layout.apply(np.asarray(other, np.float64)) - r)
        r = np.nan_to_num(r)
        parts = (
            [(r, d)] if not self.edges else list(zip(np.split(r, self.edges, self.axis), np.split(d, self.edges, self.axis), strict=True))
        )
        self.power = self.power + np.array([float((p * p).sum()) for p, _ in parts])
        self.noise = self.noise + np.array([float((q * q).sum()) for _, q in parts])

    @property
    def sqnr_db(self) -> float:
        return decibels(float(np.sum(self.power)), float(np.sum(self.noise)))

    @property
    def loss(self) -> float:
        """Mean over the parts of noise over power; a part that is silent loses nothing."""
        alive = np.asarray(self.power) > 0
        if not np.any(alive):
            return 0.0
        return float(np.minimum(1.0, np.asarray(self.noise)[alive] / np.asarray(self.power)[alive]).mean())


def blame(first_trace: str, first: str, second_trace: str, second: str, samples: Mapping[str, Json], limit: int = SAMPLES) -> Json:
    """Compare `second` with `first` (the better one) layer by layer on the measured samples.

    `*_trace` are Runners' trace functions. Answers `layers` in the order of execution (`layer`, `operator`, `shape`, `sqnr_db`, `loss`,
    `share`), the `first`, `worst` and `largest` of them by name, how many were `matched` of how many `operators`, and a `summary`.
    """
    calibration = from_json(Calibration, dict(samples))
    one, two = _open(first_trace, first), _open(second_trace, second)
    rows = [
        [arrays.open_npy(calibration.path / f"{i}.npy", calibration.path).row(j) for i in range(len(calibration.names))]
        for j in measured(calibration, limit)
    ]
    feeds = [_feeds(calibration.names, rows[0], trace) for trace in (one, two)]
    made: Match | None = None
    noises: dict[str, Noise] = {}
    for row in rows:
        for trace, feed in zip((one, two), feeds, strict=True):
            trace.run(_values(feed, row, trace))
        if made is None:
            made = match(one, two, {j: _partner(feeds[0], f.source) for j, f in enumerate(feeds[1])})
            noises = _listen(made)
        for key, noise in noises.items():
            reference, other = one.value(made.pairs[key]), two.value(key)
            if reference is not None and other is not None:
                noise.add(reference, other)
    assert made is not None
    return _report(made, noises)


def _open(function: str, model: str) -> Trace:
    trace: Trace = resolve_function(function)(Path(model))
    return trace


def _feeds(names: Sequence[str], row: Sequence[Array], trace: Trace) -> list[pairing.Feed]:
    """How the samples get into a file; raises UsageError where they do not fit."""
    for batch in ((1,), ()):
        sources = [Tensor(n, (*batch, *v.shape), v.dtype.name) for n, v in zip(names, row, strict=True)]
        for feed in pairing.feeds(sources, trace.inputs):
            return feed
    given = ", ".join(arrays.describe(v.shape, v.dtype) for v in row)
    wanted = ", ".join(arrays.describe(t.shape, t.dtype) for t in trace.inputs)
    raise UsageError(
        f"the samples ({given}) do not fit a file that takes {wanted}", remedy="give samples of this model: --calibrate images/"
    )


def _values(feeds: Sequence[pairing.Feed], row: Sequence[Array], trace: Trace) -> list[Array]:
    values = []
    for feed, tensor in zip(feeds, trace.inputs, strict=True):
        shape = feed.shape if feed.order is None else tuple(feed.shape[feed.order.index(i)] for i in range(len(feed.order)))
        values.append(np.ascontiguousarray(border.to_dtype(feed.apply(row[feed.source].reshape(shape)), tensor)))
    return values


def _partner(feeds: Sequence[pairing.Feed], source: int) -> int:
    return next((i for i, feed in enumerate(feeds) if feed.source == source), 0)


def _listen(made: Match) -> dict[str, Noise]:
    """A counter for every matched float tensor, with the order and the parts in which to compare it."""
    noises: dict[str, Noise] = {}
    producers = {key: layer for layer in made.first.layers for key in layer.outputs}
    for key, other in list(made.pairs.items()):
        reference, value = made.first.value(other), made.second.value(key)
        layout = (
            None
            if reference is None or value is None or reference.dtype.kind != "f"
            else layouts.find([reference], [value], scrambles=False)
        )
        if layout is None:
            del made.pairs[key]
            continue
        axis, edges = _parts(made.first, producers[other])
        noises[key] = Noise(layout, axis, edges)
    return noises


def _parts(trace: Trace, layer: Layer) -> tuple[int, tuple[int, ...]]:
    """Where the inputs of a concat meet in its result."""
    whole = trace.shape(layer.outputs[0])
    shapes = [trace.shape(k) for k in layer.inputs]
    if layer.operator not in CONCATS or any(len(s) != len(whole) for s in shapes):
        return 0, ()
    for axis, size in enumerate(whole):
        if sum(s[axis] for s in shapes) == size and all(s[axis] < size for s in shapes):
            return axis, tuple(int(e) for e in np.cumsum([s[axis] for s in shapes])[:-1])
    return 0, ()


def _report(made: Match, noises: Mapping[str, Noise]) -> Json:
    entries = _entries(made, noises)
    total = sum(e["entered"] for e in entries) or 1.0
    layers = [{**{k: v for k, v in e.items() if k != "entered"}, "share": e["entered"] / total} for e in entries]
    largest = max(layers, key=lambda e: float(e["share"]), default=None)
    worst = min(layers, key=lambda e: float(e["sqnr_db"]), default=None)
    first = next((e for e in layers if e["sqnr_db"] < AUDIBLE_DB), None)
    operators = sum(1 for layer in made.second.layers if any(not made.second.is_constant(k) for k in layer.inputs))
    return {
        "layers": layers,
        "largest": largest["layer"] if largest else "",
        "worst": worst["layer"] if worst else "",
        "first": first["layer"] if first else "",
        "matched": len(layers),
        "operators": operators,
        "summary": _summary(layers, largest, first),
    }


def _entries(made: Match, noises: Mapping[str, Noise]) -> list[dict[str, Any]]:
    """Matched layers in order, with what entered at each; others hand on the largest loss that they were given."""
    peak: dict[str, float] = {}
    entries = []
    names = {key: layer.name for layer in made.first.layers for key in layer.outputs}
    for layer in made.second.layers:
        before = max((peak.get(k, 0.0) for k in layer.inputs), default=0.0)
        heard = [noises[k] for k in layer.outputs if k in noises]
        loss = max((n.loss for n in heard), default=before)
        peak |= dict.fromkeys(layer.outputs, max(before, loss))
        if heard:
            key = next(k for k in layer.outputs if k in noises)
            entries.append(
                {
                    "layer": names[made.pairs[key]],
                    "operator": layer.operator,
                    "shape": list(made.second.shape(key)),
                    "sqnr_db": min(n.sqnr_db for n in heard),
                    "loss": loss,
                    "entered": max(0.0, loss - before),
                }
            )
    return entries


def _summary(layers: Sequence[Mapping[str, Any]], largest: Mapping[str, Any] | None, first: Mapping[str, Any] | None) -> str:
    if largest is None:
        return "no layer of one file could be found in the other"
    if max(e["loss"] for e in layers) < AGREE:
        return f"the {len(layers)} layers that were compared agree"
    start = f"; the first below {AUDIBLE_DB:g} dB is {first['layer']}" if first and first is not largest else ""
    return f"{largest['share']:.0%} of the loss enters at {largest['layer']} ({largest['operator']}, {largest['sqnr_db']:.1f} dB){start}"
