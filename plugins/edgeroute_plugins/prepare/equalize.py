"""Cross-layer equalization: channels rescaled across layers so that 8-bit steps cost least. Exact in float but for rounding.

Every class of channels (see `channels`) gets one scale; the layers that produce it divide by the scale, those that read it multiply.
The scales minimise the model of quantization noise in `noise`, over all layers at once, with activation ranges measured on
calibration samples; this generalises the pairwise method of Nagel et al. (2019) to residual sums, concatenations and gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from edgeroute_plugins.prepare import caps, gates, linear
from edgeroute_plugins.prepare.channels import EMPTY, PINNED, Classes, classify, is_vector_product
from edgeroute_plugins.prepare.graph import Array, Graph, Node
from edgeroute_plugins.prepare.importance import importance
from edgeroute_plugins.prepare.noise import TINY, ActivationTerm, WeightTerm, minimise
from edgeroute_plugins.prepare.statistics import Statistics, measure

SHARED = frozenset({"Concat", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "MaxPool", "Pad", "Slice", "Split", "Resize"})
"""Operators whose operands are quantized like their result."""
FUSED = frozenset({"Relu", "Clip"})
"""Activations that merge with the layer in front of them."""


@dataclass(frozen=True)
class Equalization:
    """What was done: free classes, layers touched, predicted noise before and after in dB of the model's own units."""

    classes: int
    layers: int
    before: float
    after: float
    largest: float
    """Largest factor by which a channel was scaled, either way."""
    cut: float = 0.0
    """Share of the channels behind ReLU6 that reach its bound, and so kept their scale."""


def equalize(
    graph: Graph, feeds: Iterable[Mapping[str, Array]], per_channel: bool, steps: int = 300, *, below_caps: bool = False
) -> Equalization:
    """Rescale channels in place for weights per channel or per tensor; `feeds` are calibration samples.

    With `below_caps` also those channels that a ReLU6 does not cut, as far as it does not cut them afterwards.
    """
    axes: dict[str, int | None] = {n: (1 if len(s) > 1 else None) for n, s in graph.shapes.items() if n not in graph.constants}
    found = measure(graph, feeds, axes)
    shares = caps.reached(graph, found) if below_caps else {}
    cut = float(np.concatenate([s >= 1 for s in shares.values()]).mean()) if shares else 0.0
    classes = classify(graph, {name: share >= 1 for name, share in shares.items()})
    numbers = _numbering(classes)
    terms = _terms(graph, classes, found, numbers, per_channel)
    if len(set(numbers.values())) < 2 or not terms:
        return Equalization(0, 0, 0.0, 0.0, 1.0, cut)
    logs, before, after = minimise(terms, len(set(numbers.values())), steps, least=_least(classes, numbers, shares))
    factors = {root: float(np.exp(logs[index])) for root, index in numbers.items()}
    layers = apply(graph, classes, factors)
    top = float(np.exp(np.abs(logs).max()))
    return Equalization(len(set(numbers.values())) - 1, layers, 10 * np.log10(before), 10 * np.log10(after), top, cut)


def _least(classes: Classes, numbers: Mapping[int, int], shares: Mapping[str, Array]) -> Array:
    """Logarithm of the smallest scale of each class at which no clip cuts more than it did: a channel at 1/4 of the bound may grow fourfold."""
    least = np.full(len(set(numbers.values())), -np.inf)
    for name, share in shares.items():
        roots = np.broadcast_to(classes.roots(name).reshape(-1), share.shape)
        np.maximum.at(least, [numbers[int(r)] for r in roots], np.log(np.minimum(share, 1.0) + TINY))
    return least


def apply(graph: Graph, classes: Classes, factors: Mapping[int, float]) -> int:
    """Divide every tensor by the scales of its classes, by changing weights, biases and constants; returns the number of layers."""
    done = 0
    for node in graph.nodes:
        if linear.is_linear(graph, node):
            axis = linear.channel_axis(node)
            before = _scales(classes, factors, node.input[0], axis)
            after = _scales(classes, factors, node.output[0], axis)
            if np.any(before != 1):
                linear.scale_input(graph, node, before)
            if np.any(after != 1):
                linear.scale_output(graph, node, 1 / after)
            done += bool(np.any(before != 1) or np.any(after != 1))
        elif node.op_type in ("Add", "Sub", "Max", "Min", "Mul") and any(n in graph.constants for n in node.input):
            _rescale_constant(graph, classes, factors, node)
    graph.changed()
    return done


def _rescale_constant(graph: Graph, classes: Classes, factors: Mapping[int, float], node: Node) -> None:
    index = next(i for i, n in enumerate(node.input) if n in graph.constants)
    result = _spread(classes, factors, node.output[0])
    value = graph.constants[node.input[index]]
    if node.op_type != "Mul":
        if np.any(result != 1):
            graph.set_constant(node, index, (value / result).astype(value.dtype))
    elif is_vector_product(graph, node):
        source = _scales(classes, factors, node.input[1 - index], 1)
        graph.set_constant(node, index, (value * (source / result.reshape(-1)).reshape(value.shape)).astype(value.dtype))


def _scales(classes: Classes, factors: Mapping[int, float], name: str, axis: int) -> Array:
    flat = np.moveaxis(classes.roots(name), axis, 0)
    flat = flat.reshape(flat.shape[0], -1)[:, 0]
    return np.array([factors.get(int(r), 1.0) for r in flat])


def _spread(classes: Classes, factors: Mapping[int, float], name: str) -> Array:
    roots = classes.roots(name)
    return np.array([factors.get(int(r), 1.0) for r in roots.flat]).reshape(roots.shape)


def _numbering(classes: Classes) -> dict[int, int]:
    """Root class → index of its scale; pinned is 0."""
    roots = sorted({int(r) for name in classes.of for r in classes.roots(name).flat} - {PINNED, EMPTY})
    return {PINNED: 0, EMPTY: 0} | {root: i + 1 for i, root in enumerate(roots)}


def _terms(
    graph: Graph, classes: Classes, found: Mapping[str, Statistics], numbers: Mapping[int, int], per_channel: bool
) -> list[ActivationTerm | WeightTerm]:
    weights = importance(graph, found)
    limits = gates.bounds(graph)
    terms: list[ActivationTerm | WeightTerm] = []
    for name, statistics in found.items():
        if is_quantized(graph, name) and name in classes.of and name in weights:
            terms.append(_activation(classes, numbers, name, statistics, weights[name], limits.get(name, (-np.inf, np.inf))))
    for node in graph.nodes:
        if linear.is_linear(graph, node) and node.output[0] in found and node.input[0] in found and node.output[0] in weights:
            terms.append(_weight(graph, classes, numbers, node, found, weights[node.output[0]], per_channel))
    return [
        t
        for t in terms
        if np.any(t.ids if isinstance(t, ActivationTerm) else t.inputs) or (isinstance(t, WeightTerm) and np.any(t.outputs))
    ]


def is_quantized(graph: Graph, name: str) -> bool:
    """Whether a tensor is stored with a scale of its own: not when an activation fuses, nor when its only reader shares its scale.

    What a minimum with a constant reads gets the scale of what it gives (seen in files: inputs up to 34 stored with a range of 10).
    """
    reader = graph.only_consumer(name)
    if reader is None:
        return True
    if reader.op_type == "Min" and any(n in graph.constants for n in reader.input):
        return False
    producer = graph.producer(name)
    if reader.op_type in FUSED and producer is not None and (linear.is_linear(graph, producer) or producer.op_type in ("Add", "Mul")):
        return False
    return reader.op_type not in SHARED


def _activation(
    classes: Classes, numbers: Mapping[int, int], name: str, statistics: Statistics, weight: Array, limits: tuple[float, float]
) -> ActivationTerm:
    count = statistics.low.size
    roots = classes.roots(name)
    flat = np.moveaxis(roots, 1, 0).reshape(roots.shape[1], -1)[:, 0] if roots.ndim > 1 else np.zeros(1, int)
    ids = np.array([numbers[int(r)] for r in np.broadcast_to(flat, (count,))])
    high = np.maximum(np.minimum(statistics.high, limits[1]), 0.0)
    low = np.maximum(-np.maximum(statistics.low, limits[0]), 0.0)
    return ActivationTerm(name, ids, high, low, np.broadcast_to(weight, (count,)))


def _weight(
    graph: Graph,
    classes: Classes,
    numbers: Mapping[int, int],
    node: Node,
    found: Mapping[str, Statistics],
    weight: Array,
    per_channel: bool,
) -> WeightTerm:
    value = linear.weights(graph, node)
    groups, outs, ins, taps = value.shape
    axis = linear.channel_axis(node)

    def ids(name: str, count: int) -> Array:
        roots = np.moveaxis(classes.roots(name), axis, 0)
        flat = roots.reshape(roots.shape[0], -1)[:, 0]
        return np.array([numbers[int(r)] for r in np.broadcast_to(flat, (count,))])

    power = found[node.input[0]].power
    power = power if power.size in (1, groups * ins) else np.ones(1) * power.mean()
    weight = weight if weight.size in (1, groups * outs) else np.ones(1) * weight.mean()
    return WeightTerm(
        name=node.output[0],
        size=np.log(np.abs(value).max(axis=3) + 1e-12),
        inputs=ids(node.input[0], groups * ins).reshape(groups, ins),
        outputs=ids(node.output[0], groups * outs).reshape(groups, outs),
        weight=np.broadcast_to(weight, (groups * outs,)).reshape(groups, outs),
        power=taps * np.broadcast_to(power, (groups * ins,)).reshape(groups, ins),
        per_channel=per_channel,
    )
