"""ReLU6 that lets every channel be rescaled: `relu6(x)` is `min(relu(x), 6)`, and there the 6 is a constant of each channel.

A clip at 6 is the same for all channels, so no scale passes it; a minimum with a vector takes the scales in. That costs an operator, and
is what depthwise networks without it die of in 8 bits with one scale per tensor.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np

from edgeroute_plugins.prepare import gates, linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, make
from edgeroute_plugins.prepare.rewrite import clip_bounds


def open_caps(graph: Graph) -> list[str]:
    """Spell clips from 0 to a number behind layers as Relu and Min; returns what they compute."""
    squashes = {id(g.squash) for g in gates.find_gates(graph)}
    found = [n for n in graph.nodes if n.op_type == "Clip" and id(n) not in squashes and _bounds_a_layer(graph, n)]
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
