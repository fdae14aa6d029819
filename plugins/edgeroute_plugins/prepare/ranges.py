"""Activation ranges of a float TFLite model that may end before the values do, because what lies beyond changes nothing.

The input of a hard-swish is multiplied by 0 below -3, a sigmoid is 0 or 1 outside ±6.5 as far as eight bits can tell, and a relu6 is constant
outside 0..6. A quantizer that spends its 256 steps on what remains loses less, at no price. Works on the object tree of
`edgeroute_plugins.tflite.editing`; needs NumPy and a TFLite schema, no framework.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from edgeroute_plugins.tflite import editing

Interval: TypeAlias = tuple[float, float]

HARD_SWISH_FLOOR = -3.0
SILU_FLOOR = -6.0
"""x·sigmoid(x) is -0.015 there and goes to 0 below."""
SATURATED = 6.5
"""sigmoid is within 0.0015 of 0 or 1 beyond, less than half of its step of 1/256."""
EVERYTHING: Interval = (-np.inf, np.inf)


def dead_zones(model: Any, known: Mapping[int, Interval] | None = None) -> dict[int, Interval]:
    """Tensor index of the first graph → the interval outside of which its values do not matter, where there is one.

    `known` are the tensors' ranges: what is added before a rectifier does not matter below the negative of what the other operand reaches.
    """
    graph = model.subgraphs[0]
    readers = _readers(graph)
    outputs = {int(i) for i in graph.outputs}
    found: dict[int, Interval] = {}
    for index, operators in readers.items():
        if index in outputs or editing.constant(model, graph.tensors[index]) is not None:
            continue
        interval = _gated(model, index, operators, readers) or _squashed(model, operators)
        interval = interval or _rectified(model, index, operators, readers, known or {})
        if interval is not None:
            found[index] = interval
    return found


def narrowed(ranges: Mapping[int, Interval], zones: Mapping[int, Interval]) -> dict[int, Interval]:
    """Ranges (smallest, largest) cut at the dead zones; zero stays inside; only those that changed."""
    cut = {}
    for index, (low, high) in ranges.items():
        least, most = zones.get(index, EVERYTHING)
        bounds = min(max(low, least), 0.0), max(min(high, most), 0.0)
        if bounds != (low, high) and bounds[1] > bounds[0]:
            cut[index] = bounds
    return cut


def narrow_calibrated(model: Any) -> int:
    """Cut the calibrated `min` and `max` of a model's tensors at its dead zones, in place; returns how many changed."""
    tensors = model.subgraphs[0].tensors
    known = {}
    for index, tensor in enumerate(tensors):
        quantization = tensor.quantization
        if quantization is not None and quantization.min is not None and len(quantization.min) == 1:
            known[index] = (float(quantization.min[0]), float(quantization.max[0]))
    changed = narrowed(known, dead_zones(model, known))
    for index, (low, high) in changed.items():
        tensors[index].quantization.min = np.array([low], np.float32)
        tensors[index].quantization.max = np.array([high], np.float32)
    return len(changed)


def _readers(graph: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = collections.defaultdict(list)
    for operator in graph.operators:
        for index in operator.inputs:
            if index >= 0:
                found[int(index)].append(operator)
    return found


def _squashed(model: Any, operators: list[Any]) -> Interval | None:
    """The interval of a tensor that only sigmoids, or only one kind of bounded rectifier, read."""
    kinds = {_name(model, operator) for operator in operators}
    intervals = {
        "LOGISTIC": (-SATURATED, SATURATED),
        "HARD_SWISH": (HARD_SWISH_FLOOR, np.inf),
        "RELU": (0.0, np.inf),
        "RELU6": (0.0, 6.0),
        "RELU_0_TO_1": (0.0, 1.0),
        "RELU_N1_TO_1": (-1.0, 1.0),
    }
    return intervals.get(kinds.pop()) if len(kinds) == 1 else None


def _rectified(
    model: Any, index: int, operators: list[Any], readers: Mapping[int, list[Any]], known: Mapping[int, Interval]
) -> Interval | None:
    """The interval of an operand of a sum that is rectified at once, when nothing else reads the operand."""
    if len(operators) != 1 or _name(model, operators[0]) != "ADD":
        return None
    kinds, result = editing.schema().ActivationFunctionType, int(operators[0].outputs[0])
    other = next((int(i) for i in operators[0].inputs if int(i) != index), -1)
    following = readers.get(result, [])
    fused = getattr(operators[0].builtinOptions, "fusedActivationFunction", 0) in (kinds.RELU, kinds.RELU6)
    rectified = fused or (len(following) == 1 and _name(model, following[0]) in ("RELU", "RELU6"))
    leaves = not fused and result in {int(i) for i in model.subgraphs[0].outputs}
    return (-known[other][1], np.inf) if other in known and rectified and not leaves else None


def _gated(model: Any, index: int, operators: list[Any], readers: Mapping[int, list[Any]]) -> Interval | None:
    """The interval of x in x · gate(x), when nothing else reads x."""
    products = [o for o in operators if _name(model, o) == "MUL" and sum(int(i) == index for i in o.inputs) == 1]
    others = [o for o in operators if not any(o is p for p in products)]
    if len(products) != 1 or len(others) != 1:
        return None
    gate = next(int(i) for i in products[0].inputs if int(i) != index)
    floor = _floor(model, index, others[0], gate, readers)
    return None if floor is None else (floor, np.inf)


def _floor(model: Any, index: int, operator: Any, gate: int, readers: Mapping[int, list[Any]]) -> float | None:
    """Below which x the chain that starts with `operator` and makes tensor `gate` is 0."""
    scale, offset = 1.0, 0.0
    name = _name(model, operator)
    if name == "DEPTHWISE_CONV_2D":
        scales, offsets = _pointwise(model, operator)
        if scales is None or np.any(scales <= 0) or np.ptp(offsets) > 0:
            return None
        scale, offset = float(scales.min()), float(offsets[0])
    elif name == "ADD":
        value = _constant_operand(model, operator, index)
        if value is None or np.ptp(value) > 0:
            return None
        offset = float(value.flat[0])
    elif name == "LOGISTIC":
        return SILU_FLOOR if int(operator.outputs[0]) == gate else None
    else:
        return None
    return _behind(model, operator, gate, readers, scale, offset)


def _behind(model: Any, operator: Any, gate: int, readers: Mapping[int, list[Any]], scale: float, offset: float) -> float | None:
    """The floor once `scale·x + offset` has been made by an operator that may have a relu6 fused."""
    result = int(operator.outputs[0])
    relu6 = editing.schema().ActivationFunctionType.RELU6
    if result == gate and getattr(operator.builtinOptions, "fusedActivationFunction", 0) == relu6:
        return -offset / scale
    following = readers.get(result, [])
    if len(following) != 1 or int(following[0].outputs[0]) != gate:
        return None
    name = _name(model, following[0])
    if name == "RELU6":
        return -offset / scale
    return SILU_FLOOR / scale if name == "LOGISTIC" and offset == 0 else None


def _pointwise(model: Any, operator: Any) -> tuple[Any, Any]:
    """Weights and biases of a 1x1 depthwise convolution, else None."""
    tensors = model.subgraphs[0].tensors
    weights = editing.constant(model, tensors[operator.inputs[1]])
    if weights is None or weights.shape[1:3] != (1, 1):
        return None, None
    has_bias = len(operator.inputs) > 2 and operator.inputs[2] >= 0
    biases = editing.constant(model, tensors[operator.inputs[2]]) if has_bias else np.zeros(1)
    return (None, None) if biases is None else (weights.reshape(-1), biases.reshape(-1))


def _constant_operand(model: Any, operator: Any, variable: int) -> Any:
    other = next((int(i) for i in operator.inputs if int(i) != variable), None)
    return None if other is None else editing.constant(model, model.subgraphs[0].tensors[other])


def _name(model: Any, operator: Any) -> str:
    return _names()[editing.builtin(model, operator)]


def _names() -> dict[int, str]:
    return {v: k for k, v in vars(editing.schema().BuiltinOperator).items() if isinstance(v, int)}
