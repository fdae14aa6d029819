"""Activations with long tails computed twice: finely where most values lie, and coarsely beyond.

Eight bits over 0..130 leave steps of 0.5, in early layers far too much where a picture is calm and most values are near 0. With a bound T
per channel, `y = f(min(x, T)) + relu(f(x) - f(T))` for every f that rises beyond 0; both parts are quantized with scales of their own, and the
convolutions that read y read both, one behind the other in the channels, with the same weights. Exact. It doubles the layer in front and the
layers behind, so it is for the few early layers where the loss is.
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
from edgeroute_plugins.prepare.statistics import session

SHARES = (0.6, 0.45, 0.35, 0.27, 0.2, 0.15, 0.11, 0.08)
"""Candidate bounds, as shares of a channel's largest value."""
WORTH = 0.35
"""Splitting must leave less than this share of the tensor's noise power."""
EARLY = 0.25
"""Only the layers in this first part of a network are looked at."""


@dataclass(frozen=True)
class Tail:
    """One activation that can be split: `layer` makes x, `nodes` make y of it, `readers` are the convolutions that read y."""

    layer: Node
    result: str
    nodes: tuple[Node, ...]
    gate: Gate | None
    readers: tuple[Node, ...]

    @property
    def source(self) -> str:
        return str(self.layer.output[0])

    def value(self, x: Array) -> Array:
        """f(x) for x ≥ 0."""
        if self.gate is None:
            return x
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
        if gate is None and node.op_type != "Relu":
            continue
        source = gate.source if gate is not None else node.input[0]
        layer = graph.producer(source)
        readers = tuple(r for r in graph.consumers.get(node.output[0], []) if _is_dense(graph, r, node.output[0]))
        if layer is None or not linear.is_linear(graph, layer) or layer.op_type != "Conv" or not readers or graph.leaves(source):
            continue
        if len(graph.shapes.get(source, ())) != 4:
            continue
        inner = _between(graph, gate) if gate is not None else (node,)
        own = {id(n) for n in inner}
        if all(id(r) in own for r in graph.consumers.get(source, [])):
            found.append(Tail(layer, str(node.output[0]), inner, gate, readers))
    return found


def plan_splits(graph: Graph, tails: Sequence[Tail], feeds: Iterable[Mapping[str, Array]]) -> list[Plan]:
    """For every tail that is worth it, the bounds that leave least noise."""
    samples = [dict(feed) for feed in feeds]
    if not tails or not samples:
        return []
    model = graph.to_proto()
    names = list(dict.fromkeys(t.source for t in tails))
    present = set(graph.output_names)
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in present)
    runner = session(model)
    shares = np.array((*SHARES, 1.0))
    tops: dict[str, Array] = {}
    for feed in samples:
        for name, value in zip(names, runner.run(names, feed), strict=True):
            top = value.max(axis=(0, 2, 3))
            tops[name] = np.maximum(tops.get(name, top), top)
    beyond = {name: np.zeros((len(shares), tops[name].size)) for name in names}
    for feed in samples:
        for name, value in zip(names, runner.run(names, feed), strict=True):
            for index, share in enumerate(shares):
                limit = np.maximum(tops[name], 1e-9).reshape(1, -1, 1, 1) * share
                beyond[name][index] += (value > limit).mean(axis=(0, 2, 3)) / len(samples)
    plans = []
    for tail in tails:
        alive = tops[tail.source] > 1e-3
        if not alive.any():
            continue
        top = np.where(alive, tops[tail.source], 1e-3)
        left = [s**2 + float(beyond[tail.source][i][alive].mean()) * (1 - s) ** 2 for i, s in enumerate(SHARES)]
        best = int(np.argmin(left))
        if left[best] < WORTH:
            plans.append(Plan(tail, top * SHARES[best], left[best], _cost(graph, tail)))
    return plans


def plan_early(graph: Graph, feeds: Sequence[Mapping[str, Array]], share: float) -> list[Plan]:
    """The activations of the first layers that are worth splitting, until `share` of the multiplications would be added.

    Measured on networks of four kinds, the signal-to-noise ratio falls in the first two to four layers and then stays: later layers
    average noise out, early ones pass on what a calm background loses.
    """
    layers = [n for n in graph.nodes if linear.is_linear(graph, n)]
    early = {id(n) for n in layers[: max(2, int(len(layers) * EARLY))]}
    tails = [t for t in find_tails(graph) if id(t.layer) in early]
    budget, chosen = share * total_macs(graph), []
    for plan in plan_splits(graph, tails, feeds):
        if plan.macs <= budget:
            budget -= plan.macs
            chosen.append(plan)
    return chosen


def split_early(graph: Graph, feeds: Sequence[Mapping[str, Array]], share: float) -> list[str]:
    """Split what `plan_early` names, in place; returns the names of the activations."""
    plans = plan_early(graph, feeds, share)
    for plan in plans:
        split_tail(graph, plan)
    return [plan.tail.result for plan in plans]


def split_tail(graph: Graph, plan: Plan) -> None:
    """Compute one activation in two parts, in place."""
    tail = plan.tail
    rank = len(graph.shapes[tail.source])
    twin = _twin(graph, tail.layer)
    bounded = graph.name(f"{tail.source}_bounded")
    bound = graph.add_constant("bound", linear.along(plan.bounds, rank, 1))
    graph.insert(make("Min", [twin.output[0], bound], [bounded]), after=twin.output[0])
    fine = _repeat(graph, tail, bounded)
    rest, coarse = graph.name(f"{tail.result}_rest"), graph.name(f"{tail.result}_coarse")
    offset = graph.add_constant("beyond", linear.along(-tail.value(plan.bounds), rank, 1))
    graph.insert(make("Add", [tail.result, offset], [rest]), after=tail.result)
    graph.insert(make("Relu", [rest], [coarse]), after=rest)
    both = graph.name(f"{tail.result}_both")
    graph.insert(make("Concat", [fine, coarse], [both], axis=1), before=_first(graph, tail.readers))
    for reader in tail.readers:
        weights = graph.constants[reader.input[1]]
        graph.set_constant(reader, 1, np.concatenate([weights, weights], axis=1))
        reader.input[0] = both
    graph.changed()


def _between(graph: Graph, gate: Gate) -> tuple[Node, ...]:
    """The nodes of a gated activation, in order."""
    wanted = {id(n) for n in (gate.shift, gate.squash, gate.product)}
    return tuple(n for n in graph.nodes if id(n) in wanted)


def _is_dense(graph: Graph, node: Node, name: str) -> bool:
    return node.op_type == "Conv" and linear.is_linear(graph, node) and linear.groups(node) == 1 and node.input[0] == name


def _twin(graph: Graph, layer: Node) -> Node:
    copy = onnx.NodeProto()
    copy.CopyFrom(layer)
    copy.output[0] = graph.name(f"{layer.output[0]}_fine")
    copy.name = f"Conv:{copy.output[0]}"
    for index in range(1, len(copy.input)):
        if copy.input[index]:
            copy.input[index] = graph.add_constant(copy.input[index], graph.constants[copy.input[index]].copy())
    graph.insert(copy, after=layer.output[0])
    return copy


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


def _first(graph: Graph, nodes: Sequence[Node]) -> Node:
    wanted = {id(n) for n in nodes}
    return next(n for n in graph.nodes if id(n) in wanted)


def _cost(graph: Graph, tail: Tail) -> int:
    """Multiplications that splitting adds: the layer and its dense readers once more."""
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
