"""Activations with long tails computed twice: finely where most values lie, and coarsely beyond.

Eight bits over 0..130 leave steps of 0.5, in early layers far too much where a picture is calm and most values are near 0. With a bound T
per channel, `y = f(min(x, T)) + relu(f(x) - f(T))` for every f that rises beyond 0; both parts are quantized with scales of their own, and the
convolutions that read y read both, one behind the other in the channels, with the same weights. Exact. It doubles the layer in front and the
layers behind, so it is for the few early activations where the loss is: which ones these are is measured (`rounding`).

Depthwise convolutions are left out: their two results would have to be added, which rounds once more; it brought nothing where it was tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from edgeroute_plugins.prepare import linear
from edgeroute_plugins.prepare.gates import HARD_SWISH, Gate, find_gates
from edgeroute_plugins.prepare.graph import Array, Graph, Node, make
from edgeroute_plugins.prepare.rewrite import clip_bounds
from edgeroute_plugins.prepare.statistics import session

SHARES = (0.6, 0.5, 0.42, 0.35, 0.27, 0.2, 0.15, 0.11, 0.08)
"""Candidate bounds, as shares of a channel's largest value."""
WORTH = 0.35
"""Splitting must leave less than this share of the tensor's noise power."""
EARLY = 0.25
"""Only the layers in this first part of a network are looked at."""
RELU, RELU6 = "relu", "relu6"


@dataclass(frozen=True)
class Tail:
    """One activation that can be split: `nodes` make `result` of what `layer` computes, and `readers` are the convolutions that read it."""

    layer: Node
    result: str
    nodes: tuple[Node, ...]
    gate: Gate | None
    kind: str
    readers: tuple[Node, ...]

    @property
    def source(self) -> str:
        return str(self.layer.output[0])

    @property
    def floor(self) -> float:
        """Below which nothing of the source matters, 0 or less."""
        return 0.0 if self.gate is None else self.gate.floor

    def value(self, x: Array) -> Array:
        """f(x) for x ≥ 0."""
        if self.gate is None:
            return np.minimum(x, 6) if self.kind == RELU6 else x
        return x * np.clip(x + 3, 0, 6) if self.gate.kind == HARD_SWISH else x / (1 + np.exp(-x))


@dataclass(frozen=True)
class Plan:
    """A tail, its bounds per channel, the share of noise that is left and the multiplications that it costs."""

    tail: Tail
    bounds: Array
    left: float
    macs: int


def find_tails(graph: Graph) -> list[Tail]:
    """Rectifiers and unopened gates behind a layer, read by at least one dense convolution."""
    found = []
    gates = {gate.product.output[0]: gate for gate in find_gates(graph) if not gate.is_open}
    for node in graph.nodes:
        gate = gates.get(node.output[0])
        kind = gate.kind if gate is not None else _rectifier(graph, node)
        if not kind:
            continue
        layer, result = graph.producer(gate.source if gate is not None else node.input[0]), str(node.output[0])
        readers = tuple(r for r in graph.consumers.get(result, []) if _is_dense(graph, r, result))
        inner = _between(graph, gate) if gate is not None else (node,)
        if readers and _is_apart(graph, layer, inner):
            found.append(Tail(layer, result, inner, gate, kind, readers))
    return found


def plan_splits(graph: Graph, tails: Sequence[Tail], feeds: Iterable[Mapping[str, Array]]) -> list[Plan]:
    """For every tail that is worth it, the bounds that leave least noise."""
    samples = [dict(feed) for feed in feeds]
    if not tails or not samples:
        return []
    tops, lows, beyond = _tails_of_values(graph, tails, samples)
    plans = []
    for tail in tails:
        alive = tops[tail.source] > 1e-3
        if not alive.any():
            continue
        top = np.where(alive, tops[tail.source], 1e-3)
        below = np.minimum(lows[tail.source], -tail.floor)[alive] / top[alive]
        left = [left_over(s, float(beyond[tail.source][i][alive].mean()), float(below.mean())) for i, s in enumerate(SHARES)]
        best = int(np.argmin(left))
        if left[best] < WORTH:
            plans.append(Plan(tail, top * SHARES[best], left[best], _cost(graph, tail)))
    return plans


def left_over(share: float, beyond: float, below: float = 0.0) -> float:
    """The share of noise power that is left: of a value beyond the bound only the coarse part is rounded, for the fine one is at its end.

    `below`: how far values reach below 0, as a share of the largest one; the fine part has to hold them, too.
    """
    fine = (share + below) / (1 + below)
    return fine**2 * (1 - beyond) + (1 - share) ** 2 * beyond


def plan_early(graph: Graph, feeds: Sequence[Mapping[str, Array]]) -> list[Plan]:
    """The activations of the first layers that can be split.

    Measured on networks of four kinds, the signal-to-noise ratio falls in the first two to four layers and then stays: later layers
    average noise out, early ones pass on what a calm background loses.
    """
    layers = [n for n in graph.nodes if linear.is_linear(graph, n)]
    early = {id(n) for n in layers[: max(2, int(len(layers) * EARLY))]}
    tails = [t for t in find_tails(graph) if id(t.layer) in early]
    return plan_splits(graph, tails, feeds)


def split_tail(graph: Graph, plan: Plan) -> None:
    """Compute one activation in two parts, in place."""
    tail = plan.tail
    fine = _fine_part(graph, plan)
    rest, coarse = graph.name(f"{tail.result}_rest"), graph.name(f"{tail.result}_coarse")
    offset = graph.add_constant("beyond", _along(graph, tail, -tail.value(plan.bounds)))
    graph.insert(make("Add", [tail.result, offset], [rest]), after=tail.result)
    graph.insert(make("Relu", [rest], [coarse]), after=rest)
    both = graph.name(f"{tail.result}_both")
    graph.insert(make("Concat", [fine, coarse], [both], axis=1), before=_first(graph, tail.readers))
    for reader in tail.readers:
        weights = graph.constants[reader.input[1]]
        graph.set_constant(reader, 1, np.concatenate([weights, weights], axis=1))
        reader.input[0] = both
    graph.changed()


def _fine_part(graph: Graph, plan: Plan) -> str:
    """The activation once more, of values up to the bounds; returns its name. A gate sees bounded values, of a rectifier the result is bounded."""
    tail, twin = plan.tail, _twin(graph, plan.tail.layer)
    bound = graph.add_constant("bound", _along(graph, tail, plan.bounds))
    if tail.gate is None:
        rectified, fine = graph.name(f"{tail.result}_fine"), graph.name(f"{tail.result}_bounded")
        graph.insert(make("Relu", [twin], [rectified]), after=twin)
        graph.insert(make("Min", [rectified, bound], [fine]), after=rectified)
        return fine
    bounded = graph.name(f"{tail.source}_bounded")
    graph.insert(make("Min", [twin, bound], [bounded]), after=twin)
    return _repeat(graph, tail, bounded)


def _tails_of_values(
    graph: Graph, tails: Sequence[Tail], samples: Sequence[Mapping[str, Array]]
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """For every source the largest value of each channel, how far it reaches below 0, and [share, channel] how often values lie beyond that share."""
    model = graph.to_proto()
    names = list(dict.fromkeys(t.source for t in tails))
    present = set(graph.output_names)
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in present)
    runner = session(model)
    caps = {t.source: 6.0 if t.kind == RELU6 else math.inf for t in tails}
    shares = np.array((*SHARES, 1.0))
    tops: dict[str, Array] = {}
    lows: dict[str, Array] = {}
    for feed in samples:
        for name, value in zip(names, runner.run(names, dict(feed)), strict=True):
            top = np.minimum(value.max(axis=(0, 2, 3)), caps[name])
            tops[name] = np.maximum(tops.get(name, top), top)
            low = np.maximum(-value.min(axis=(0, 2, 3)), 0.0)
            lows[name] = np.maximum(lows.get(name, low), low)
    beyond = {name: np.zeros((len(shares), tops[name].size)) for name in names}
    for feed in samples:
        for name, value in zip(names, runner.run(names, dict(feed)), strict=True):
            for index, share in enumerate(shares):
                limit = np.maximum(tops[name], 1e-9).reshape(1, -1, 1, 1) * share
                inside = (value > limit) & (value < caps[name])
                beyond[name][index] += inside.mean(axis=(0, 2, 3)) / len(samples)
    return tops, lows, beyond


def _rectifier(graph: Graph, node: Node) -> str:
    if node.op_type == "Relu":
        return RELU
    return RELU6 if node.op_type == "Clip" and clip_bounds(graph, node) == (0.0, 6.0) else ""


def _is_dense(graph: Graph, node: Node, name: str) -> bool:
    return node.op_type == "Conv" and linear.is_linear(graph, node) and linear.groups(node) == 1 and node.input[0] == name


def _is_apart(graph: Graph, layer: Node | None, inner: Sequence[Node]) -> bool:
    """Whether it is a convolution over a picture whose results only this activation reads."""
    if layer is None or layer.op_type != "Conv" or not linear.is_linear(graph, layer):
        return False
    source, own = layer.output[0], {id(n) for n in inner}
    apart = all(id(r) in own for r in graph.consumers.get(source, [])) and not graph.leaves(source)
    return apart and len(graph.shapes.get(source, ())) == 4


def _between(graph: Graph, gate: Gate) -> tuple[Node, ...]:
    """The nodes of a gated activation, in order."""
    wanted = {id(n) for n in (gate.shift, gate.squash, gate.product)}
    return tuple(n for n in graph.nodes if id(n) in wanted)


def _twin(graph: Graph, layer: Node) -> str:
    """What the layer computes, computed once more; returns its name."""
    copy = onnx.NodeProto()
    copy.CopyFrom(layer)
    copy.output[0] = graph.name(f"{layer.output[0]}_fine")
    copy.name = f"Conv:{copy.output[0]}"
    for index in range(1, len(copy.input)):
        if copy.input[index]:
            copy.input[index] = graph.add_constant(copy.input[index], graph.constants[copy.input[index]].copy())
    graph.insert(copy, after=layer.output[0])
    return str(copy.output[0])


def _repeat(graph: Graph, tail: Tail, source: str) -> str:
    """The activation once more on another tensor; returns its result."""
    renamed = {tail.source: source}
    place = source
    for node in tail.nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [renamed.get(n, n) for n in node.input]
        result = graph.name(f"{node.output[0]}_fine")
        renamed[node.output[0]], copy.output[0], copy.name = result, result, f"{node.op_type}:{result}"
        graph.insert(copy, after=place)
        place = result
    return place


def _along(graph: Graph, tail: Tail, values: Array) -> Array:
    return linear.along(values, len(graph.shapes[tail.source]), 1)


def _first(graph: Graph, nodes: Sequence[Node]) -> Node:
    wanted = {id(n) for n in nodes}
    return next(n for n in graph.nodes if id(n) in wanted)


def _cost(graph: Graph, tail: Tail) -> int:
    """Multiplications that splitting adds: the layer and its readers once more."""
    return sum(layer_macs(graph, node) for node in (tail.layer, *tail.readers))


def layer_macs(graph: Graph, node: Node) -> int:
    """Multiplications of a convolution or dense layer; 0 where shapes are unknown."""
    result = graph.shapes.get(node.output[0])
    if result is None or not linear.is_linear(graph, node):
        return 0
    weights = graph.constants[node.input[1]].shape
    per_output = math.prod(int(d) for d in weights) // max(1, linear.out_channels(graph, node))
    if node.op_type == "ConvTranspose":
        source = graph.shapes.get(node.input[0], ())
        return int(math.prod(source) * math.prod(weights[1:]))
    return int(math.prod(result) * per_output)


def total_macs(graph: Graph) -> int:
    return sum(layer_macs(graph, node) for node in graph.nodes)
