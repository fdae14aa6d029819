"""How much noise on each channel of a tensor matters to the outputs.

Weights of noise power per channel, propagated from the outputs to the inputs through the squares of the layers' weights, and
renormalised at every reader so that noise as strong as the tensor's own variance counts 1. Only ratios between channels of one tensor
and, roughly, between tensors are meaningful.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeroute_plugins.prepare import linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, attribute
from edgeroute_plugins.prepare.statistics import Statistics

PASSING = frozenset({"Relu", "LeakyRelu", "PRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "Resize", "Clip", "Max", "Min"})
PASSING = PASSING | {"Sigmoid", "HardSigmoid", "HardSwish", "Add", "Sub", "Identity"}


def importance(graph: Graph, found: Mapping[str, Statistics]) -> dict[str, Array]:
    """Tensor → weight per channel (axis 1; length 1 where the tensor's channels are unknown)."""
    weights: dict[str, Array] = {}
    for name in graph.output_names:
        _accumulate(weights, found, name, np.ones(1))
    for node in reversed(graph.nodes):
        for name in {n for n in node.input if n in found and n not in graph.constants}:
            _accumulate(weights, found, name, _through(graph, node, name, weights, found))
    return weights


def _accumulate(weights: dict[str, Array], found: Mapping[str, Statistics], name: str, relative: Array) -> None:
    """Add one reader's weights, scaled so that the tensor's own variance counts 1."""
    if name not in found:
        return
    variance = found[name].variance
    if relative.size not in (1, variance.size):
        relative = np.ones(1)
    spread = np.broadcast_to(relative, variance.shape)
    total = float((spread * variance).sum())
    if total <= 0 or not np.isfinite(total):
        spread, total = np.ones(variance.shape), max(float(variance.sum()), 1e-30)
    weights[name] = weights.get(name, 0.0) + spread / total


def _through(graph: Graph, node: Node, name: str, weights: Mapping[str, Array], found: Mapping[str, Statistics]) -> Array:
    """Relative weights of an operand from those of the node's output; one number where the operator says nothing about channels."""
    result = weights.get(node.output[0], np.ones(1))
    if linear.is_linear(graph, node):
        kernel = (linear.weights(graph, node) ** 2).sum(axis=3)
        rows = np.broadcast_to(result, (linear.out_channels(graph, node),)).reshape(kernel.shape[:2])
        return (kernel * rows[:, :, None]).sum(axis=1).reshape(-1)
    if node.op_type in PASSING:
        return result
    if node.op_type == "Mul":
        other = next((n for n in node.input if n != name), name)
        if other in found:
            power = found[other].power
            return result * power if power.size in (1, result.size) or result.size == 1 else result
        return result
    if node.op_type == "Concat" and attribute(node, "axis", 1) == 1:
        return _part(node, name, result, found)
    if node.op_type == "Split" and attribute(node, "axis", 0) == 1:
        return np.concatenate([np.broadcast_to(weights.get(o, np.zeros(1)), found[o].power.shape) for o in node.output if o in found])
    return np.ones(1)


def _part(node: Node, name: str, result: Array, found: Mapping[str, Statistics]) -> Array:
    start = 0
    for other in node.input:
        size = found[other].power.size if other in found else 0
        if other == name:
            return result[start : start + size] if result.size > 1 else result
        start += size
    return np.ones(1)
