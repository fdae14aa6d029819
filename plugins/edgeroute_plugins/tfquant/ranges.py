"""Narrows calibrated activation ranges to those that lose least: rounding against clipping, by mean squared error."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from edgeroute_plugins import memo
from edgeroute_plugins.tflite import editing
from edgeroute_plugins.tfquant import native
from edgeroute_plugins.tfquant.options import Options

BINS = 2048
STEPS = 256
MOST_ROWS, MOST_VALUES = 64, 16_384
"""Samples, and values of one tensor in each of them, that a histogram counts: more of them change no range by a candidate's step."""
FRACTIONS = np.linspace(1.0, 0.3, 29)
"""Candidate ends of a range, as shares of what the samples reach."""

FIXED = ("SOFTMAX", "LOGISTIC", "TANH", "LOG_SOFTMAX")
"""Their output range is fixed by the runtime."""

CARRYING = (
    "RESHAPE",
    "CONCATENATION",
    "TRANSPOSE",
    "SLICE",
    "STRIDED_SLICE",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "EXPAND_DIMS",
    "PACK",
    "UNPACK",
    "GATHER",
)
"""Their output holds values of their inputs."""


def narrow(calibrated: bytes, rows: Callable[[], Iterable[list[Any]]], options: Options) -> tuple[bytes, int]:
    """The model with narrower ranges of inner tensors, and how many changed; inputs and outputs keep what the samples reach.

    Outputs, and what reaches them unchanged, are spared: clipping removes exactly the rare high scores that a detector is made for.
    """
    model = editing.parse(calibrated)
    bounds = inner_ranges(model)
    changed = 0
    name = memo.name_of(calibrated, options.calibration, options.samples, "sampled histograms")
    for label, histogram in memo.remembered(options.memo, name, lambda: histograms(calibrated, bounds, _evenly(rows, options))).items():
        index = int(label)
        low, high = best_range(histogram, *bounds[index])
        if (low, high) != bounds[index]:
            quantization = model.subgraphs[0].tensors[index].quantization
            quantization.min, quantization.max = np.array([low], dtype=np.float32), np.array([high], dtype=np.float32)
            changed += 1
    return bytes(editing.serialize(model)), changed


def inner_ranges(model: Any) -> dict[int, tuple[float, float]]:
    """Tensor index → (smallest, largest) for every calibrated float tensor that is neither input, output nor fixed."""
    graph = model.subgraphs[0]
    spared = {int(i) for i in graph.inputs} | carried_out(model)
    spared |= {int(o) for _, operator in editing.operators(model, *FIXED) for o in operator.outputs}
    ranges = {}
    for index, tensor in enumerate(graph.tensors):
        quantization = tensor.quantization
        calibrated = quantization is not None and quantization.min is not None and len(quantization.min) == 1
        if calibrated and index not in spared and tensor.type == editing.schema().TensorType.FLOAT32:
            low, high = float(quantization.min[0]), float(quantization.max[0])
            if high > low:
                ranges[index] = (low, high)
    return ranges


def carried_out(model: Any) -> set[int]:
    """The outputs, and the tensors whose values reach them as they are: through a concat, a reshape, a slice."""
    graph = model.subgraphs[0]
    carried = {int(i) for i in graph.outputs}
    for owner, operator in reversed(list(editing.operators(model, *CARRYING))):
        if owner is graph and carried & {int(o) for o in operator.outputs}:
            carried |= {int(i) for i in operator.inputs if i >= 0}
    return carried


def histograms(calibrated: bytes, bounds: Mapping[int, tuple[float, float]], rows: Iterable[list[Any]]) -> memo.Arrays:
    """How often each tensor (by its index) takes which value: counts of `BINS` equal bins between its bounds, over values that are spread evenly."""
    interpreter = native.interpreter(calibrated)
    slots = [d["index"] for d in interpreter.get_input_details()]
    counts: dict[int, Any] = {index: np.zeros(BINS) for index in bounds}
    for number, row in enumerate(rows):
        for slot, array in zip(slots, row, strict=True):
            interpreter.set_tensor(slot, array)
        interpreter.invoke()
        for index, (low, high) in bounds.items():
            values = _spread(interpreter.get_tensor(index), number)
            bins = np.clip((values - low) * (BINS / (high - low)), 0, BINS - 1).astype(np.int32)
            counts[index] += np.bincount(bins, minlength=BINS)
    return {str(index): count for index, count in counts.items()}


def _evenly(rows: Callable[[], Iterable[list[Any]]], options: Options) -> Iterator[list[Any]]:
    """At most `MOST_ROWS` of the samples, evenly spread."""
    usable = options.calibration.usable if options.calibration else 0
    return itertools.islice(rows(), 0, None, max(1, -(-min(usable, options.samples or usable) // MOST_ROWS)))


def _spread(values: Any, turn: int) -> Any:
    """At most `MOST_VALUES` of the values, evenly spread, others in each turn; the stride is odd, for channels are often a power of two."""
    flat = values.reshape(-1)
    stride = -(-flat.size // MOST_VALUES) | 1
    return flat[turn % stride :: stride]


def best_range(counts: Any, low: float, high: float) -> tuple[float, float]:
    """The range, no wider than the given one, with the least expected squared error in 256 steps; zero stays inside."""
    width = (high - low) / BINS
    centres = low + width * (np.arange(BINS) + 0.5)
    lows = [low * f for f in FRACTIONS] if low < 0 else [low]
    highs = [high * f for f in FRACTIONS] if high > 0 else [high]
    candidates = [(lower, upper) for lower in lows for upper in highs if upper > lower]
    errors = [_error(counts, centres, lower, upper) for lower, upper in candidates]
    return candidates[int(np.argmin(errors))]


def _error(counts: Any, centres: Any, low: float, high: float) -> float:
    step = (max(high, 0.0) - min(low, 0.0)) / (STEPS - 1)
    clipped = np.clip(centres, low, high) - centres
    return float(counts @ (clipped**2) + counts.sum() * step**2 / 12)
