"""ReLU6 that lets channels be rescaled; depthwise networks without it die in 8 bits with one scale per tensor.

A clip at 6 is the same for all channels, so no scale passes it. Two ways out:

- most channels never come near 6. Those may be stretched as far as their largest calibrated value, times `HEADROOM`, stays below it: there
  the clip cuts nothing, and the file needs no further operator (`reached`);
- `relu6(x)` is `min(relu(x), 6)`, and there the 6 is a constant of each channel that takes any scale in, at the price of an operator (`open_caps`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from edgeroute_plugins.prepare import gates, linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, make
from edgeroute_plugins.prepare.rewrite import clip_bounds
from edgeroute_plugins.prepare.statistics import Statistics

HEADROOM = 2.0
"""How far beyond its largest calibrated value a channel may go before a clip cuts it that did not do so before."""


def find_caps(graph: Graph) -> list[Node]:
    """Clips from 0 to a number behind layers."""
    squashes = {id(g.squash) for g in gates.find_gates(graph)}
    return [n for n in graph.nodes if n.op_type == "Clip" and id(n) not in squashes and _bounds_a_layer(graph, n)]


def reached(graph: Graph, found: Mapping[str, Statistics]) -> dict[str, Array]:
    """What such a clip computes → the share of its bound that each channel comes to, headroom included; 1 and more: the bound is reached."""
    shares = {}
    for node in find_caps(graph):
        bounds, name = clip_bounds(graph, node), node.output[0]
        if bounds is not None and name in found and found[name].high.size == graph.shapes[name][1]:
            shares[name] = np.maximum(found[name].high, 0.0) * HEADROOM / bounds[1]
    return shares


def open_caps(graph: Graph) -> list[str]:
    """Spell clips from 0 to a number behind layers as Relu and Min; returns what they compute."""
    found = find_caps(graph)
    for node in found:
        bounds, shape, result = clip_bounds(graph, node), graph.shapes[node.output[0]], node.output[0]
        cap: Array = np.full((1, shape[1], *(1 for _ in shape[2:])), bounds[1] if bounds else math.inf, np.float32)
        rectified = graph.name(f"{result}_relu")
        graph.insert(make("Relu", [node.input[0]], [rectified]), before=node)
        graph.insert(make("Min", [rectified, graph.add_constant("cap", cap)], [result]), before=node)
        graph.remove(node)
    graph.prune()
    return [n.output[0] for n in found]


def close_caps(graph: Graph, opened: Collection[str]) -> int:
    """Undo those openings whose cap is still the same for all channels; returns how many."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "Min" and n.output[0] in opened]:
        cap = graph.constants[node.input[1]]
        if np.all(cap == cap.flat[0]):
            source = graph.producer(node.input[0]).input[0]
            limits = [graph.add_constant("low", np.float32(0)), graph.add_constant("high", np.float32(cap.flat[0]))]
            graph.insert(make("Clip", [source, *limits], [node.output[0]]), before=node)
            graph.remove(node)
            done += 1
    graph.prune()
    return done


def _bounds_a_layer(graph: Graph, node: Node) -> bool:
    """Whether it bounds what a layer computes, and gates nothing: a factor's scale would have to leave the product again."""
    bounds, shape = clip_bounds(graph, node), graph.shapes.get(node.output[0], ())
    if bounds is None or bounds[0] != 0 or not 0 < bounds[1] < math.inf or len(shape) < 2 or shape[1] < 2:
        return False
    maker, readers = graph.producer(node.input[0]), graph.consumers.get(node.output[0], [])
    alone = graph.only_consumer(node.input[0]) is node and not graph.leaves(node.output[0])
    return alone and maker is not None and linear.is_linear(graph, maker) and all(r.op_type != "Mul" for r in readers)
