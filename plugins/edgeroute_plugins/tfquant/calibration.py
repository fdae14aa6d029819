"""The smallest and largest value of every float tensor, over the calibration samples, written where the quantizer looks for them.

TensorFlow's own `Calibrator` is not used: it looks at an operator's operands after the operator has run, and since ADD, SUB and MUL
work in place (measured in 2.21), the gate of a hard-swish is then reported with the range of the product, 0..6 as -2..927, and 50 of 206
tensors of one network were wrong. Here every tensor keeps memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.memo import Arrays
from edgeroute_plugins.tflite import editing
from edgeroute_plugins.tfquant import native


def measure(blob: bytes, rows: Iterable[list[Any]]) -> tuple[dict[int, tuple[float, float]], int]:
    """Index of each computed float tensor and input of the first graph → (smallest, largest), and how many samples that took."""
    interpreter = native.interpreter(blob)
    slots = [d["index"] for d in interpreter.get_input_details()]
    watched = computed(editing.parse(blob))
    found: dict[int, tuple[float, float]] = {}
    count = 0
    for row in rows:
        for slot, array in zip(slots, row, strict=True):
            interpreter.set_tensor(slot, array)
        interpreter.invoke()
        for index in watched:
            values = interpreter.get_tensor(index)
            if values.size:
                low, high = float(values.min()), float(values.max())
                known = found.get(index, (low, high))
                found[index] = (min(low, known[0]), max(high, known[1]))
        count += 1
    return found, count


def as_arrays(ranges: Mapping[int, tuple[float, float]], count: int) -> Arrays:
    """What `measure` answers, to be kept."""
    return {"tensors": np.array(list(ranges), np.int64), "limits": np.array(list(ranges.values())).reshape(-1, 2), "count": np.array(count)}


def from_arrays(arrays: Arrays) -> tuple[dict[int, tuple[float, float]], int]:
    """What `measure` answered."""
    limits = zip(arrays["tensors"].tolist(), arrays["limits"].tolist(), strict=True)
    return {index: (low, high) for index, (low, high) in limits}, int(arrays["count"])


def computed(model: Any) -> list[int]:
    """The float inputs and results of operators of the first graph."""
    graph = model.subgraphs[0]
    made = [int(i) for operator in graph.operators for i in operator.outputs if i >= 0]
    return [i for i in (*map(int, graph.inputs), *made) if graph.tensors[i].type == editing.schema().TensorType.FLOAT32]


def write(model: Any, ranges: dict[int, tuple[float, float]]) -> None:
    """Store ranges as calibrated minima and maxima, in place; raises ConverterFailed where one is not finite."""
    tensors = model.subgraphs[0].tensors
    for index, (low, high) in ranges.items():
        if not np.isfinite(low) or not np.isfinite(high):
            raise ConverterFailed(
                f"tensor {editing.text(tensors[index].name)!r} reaches {low} to {high} on the calibration samples",
                where="tf-quantizer",
                remedy="look at the samples (--calibrate) and at the preprocessing: infinite activations cannot be quantized",
                code="calibration-not-finite",
            )
        quantization = editing.schema().QuantizationParametersT()
        quantization.min, quantization.max = np.array([low], np.float32), np.array([high], np.float32)
        tensors[index].quantization = quantization
