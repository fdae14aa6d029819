"""Operators spelled the way int8 quantizers keep them and accelerators know them.

What counts as known comes from the targets' operator tables: RELU, RELU6, LOGISTIC, ADD, MUL, MINIMUM, MAXIMUM stand in most of them;
RELU_0_TO_1, HARD_SIGMOID and ERF in none. All passes but `spell_gelu` are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgeroute_plugins.prepare.graph import Graph, Node, attribute, make


def rewrite(graph: Graph) -> dict[str, int]:
    """Run every exact pass once; returns how often each one applied."""
    counts = {step.__name__: step(graph) for step in PASSES}
    graph.prune()
    return {name: n for name, n in counts.items() if n}


def spell_hard_swish(graph: Graph) -> int:
    """HardSwish(x) becomes `x · relu6(x + 3) / 6`."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "HardSwish"]:
        source, result = node.input[0], node.output[0]
        gate = _gate(graph, node, source, 1.0, 3.0)
        product = graph.name(f"{result}_product")
        graph.insert(make("Mul", [source, gate], [product]), before=node)
        _replace(graph, node, make("Mul", [product, graph.add_constant("sixth", np.float32(1 / 6))], [result]))
        done += 1
    return done


def spell_hard_sigmoid(graph: Graph) -> int:
    """HardSigmoid(a, b) becomes `relu6(6a·x + 6b) / 6`, whose factors fold into the layers around it."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "HardSigmoid"]:
        alpha, beta = attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
        gate = _gate(graph, node, node.input[0], 6 * alpha, 6 * beta)
        _replace(graph, node, make("Mul", [gate, graph.add_constant("sixth", np.float32(1 / 6))], [node.output[0]]))
        done += 1
    return done


def spell_clips(graph: Graph) -> int:
    """Clip becomes Relu, relu6 (scaled, when its bounds are 0 and something else), or Max and Min."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "Clip"]:
        bounds = clip_bounds(graph, node)
        if bounds is None or bounds in ((0.0, 6.0), (-1.0, 1.0)):
            continue
        low, high = bounds
        if low == 0 and math.isinf(high):
            _replace(graph, node, make("Relu", [node.input[0]], [node.output[0]]))
        elif low == 0 and high > 0:
            gate = _gate(graph, node, node.input[0], 6 / high, 0.0)
            _replace(graph, node, make("Mul", [gate, graph.add_constant("bound", np.float32(high / 6))], [node.output[0]]))
        else:
            _clip_by_extrema(graph, node, low, high)
        done += 1
    return done


def spell_leaky_relu(graph: Graph) -> int:
    """Max(x, a·x) with 0 < a < 1 becomes LeakyRelu."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "Max" and len(n.input) == 2]:
        for source, other in (tuple(node.input), tuple(node.input)[::-1]):
            product = graph.producer(other)
            if product is None or product.op_type != "Mul" or source not in product.input:
                continue
            slope = next((graph.constant(n) for n in product.input if n in graph.constants), None)
            if slope is None or slope.size != 1 or not 0 < float(slope.reshape(())) < 1:
                continue
            _replace(graph, node, make("LeakyRelu", [source], [node.output[0]], alpha=float(slope.reshape(()))))
            done += 1
            break
    return done


def spell_squares(graph: Graph) -> int:
    """Pow(x, 2) becomes Mul(x, x)."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "Pow"]:
        power = graph.constant(node.input[1])
        if power is not None and power.size == 1 and float(power.reshape(())) == 2 and node.input[0] not in graph.constants:
            _replace(graph, node, make("Mul", [node.input[0], node.input[0]], [node.output[0]]))
            done += 1
    return done


def spell_prelu(graph: Graph) -> int:
    """PRelu with one slope for all channels becomes LeakyRelu (slope in 0..1) or Relu (slope 0)."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "PRelu"]:
        slope = graph.constant(node.input[1])
        if slope is None or slope.size == 0 or np.ptp(slope) > 0 or not 0 <= float(slope.flat[0]) < 1:
            continue
        value = float(slope.flat[0])
        if value == 0:
            _replace(graph, node, make("Relu", [node.input[0]], [node.output[0]]))
        else:
            _replace(graph, node, make("LeakyRelu", [node.input[0]], [node.output[0]], alpha=value))
        done += 1
    return done


def spell_global_means(graph: Graph) -> int:
    """ReduceMean over height and width that keeps the rank becomes GlobalAveragePool."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type == "ReduceMean"]:
        axes = attribute(node, "axes") or (graph.constant(node.input[1]) if len(node.input) > 1 else None)
        shape = graph.shapes.get(node.input[0])
        if axes is None or shape is None or len(shape) != 4 or not attribute(node, "keepdims", 1):
            continue
        if sorted(int(a) % 4 for a in axes) == [2, 3]:
            _replace(graph, node, make("GlobalAveragePool", [node.input[0]], [node.output[0]]))
            done += 1
    return done


def clip_bounds(graph: Graph, node: Node) -> tuple[float, float] | None:
    """Lower and upper bound of a Clip, infinite where there is none; None when a bound is not constant or the type is not float32."""
    found = [-math.inf, math.inf]
    for index in (1, 2):
        if len(node.input) <= index or not node.input[index]:
            continue
        value = graph.constant(node.input[index])
        if value is None or value.dtype != np.float32:
            return None
        number = float(value.reshape(()))
        if abs(number) < 1e30:
            found[index - 1] = number
    return found[0], found[1]


def relu6(graph: Graph, source: str, result: str) -> Node:
    bounds = [graph.add_constant("relu6_min", np.float32(0)), graph.add_constant("relu6_max", np.float32(6))]
    return make("Clip", [source, *bounds], [result])


def _gate(graph: Graph, before: Node, source: str, factor: float, offset: float) -> str:
    """Insert `relu6(factor·source + offset)` in front of a node; returns its name."""
    for op, number, idle in (("Mul", factor, 1.0), ("Add", offset, 0.0)):
        if not math.isclose(number, idle, rel_tol=1e-7, abs_tol=0.0):
            moved = graph.name(f"{before.output[0]}_{op.lower()}")
            graph.insert(make(op, [source, graph.add_constant(op.lower(), np.float32(number))], [moved]), before=before)
            source = moved
    gate = graph.name(f"{before.output[0]}_gate")
    graph.insert(relu6(graph, source, gate), before=before)
    return gate


def _clip_by_extrema(graph: Graph, node: Node, low: float, high: float) -> None:
    source, result = node.input[0], node.output[0]
    steps = [(op, bound) for op, bound in (("Max", low), ("Min", high)) if not math.isinf(bound)]
    for op, bound in steps[:-1]:
        middle = graph.name(f"{result}_{op.lower()}")
        graph.insert(make(op, [source, graph.add_constant("bound", np.float32(bound))], [middle]), before=node)
        source = middle
    if steps:
        op, bound = steps[-1]
        _replace(graph, node, make(op, [source, graph.add_constant("bound", np.float32(bound))], [result]))
    else:
        _replace(graph, node, make("Identity", [source], [result]))


def _replace(graph: Graph, node: Node, new: Node) -> None:
    graph.insert(new, before=node)
    graph.remove(node)


PASSES: tuple[Callable[[Graph], int], ...] = (
    spell_hard_swish,
    spell_hard_sigmoid,
    spell_clips,
    spell_leaky_relu,
    spell_prelu,
    spell_squares,
    spell_global_means,
)
