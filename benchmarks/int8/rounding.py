"""A float network whose activations are rounded as an int8 file stores them; everything else stays exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from edgeroute_plugins.prepare import gates
from edgeroute_plugins.prepare.equalize import is_quantized
from edgeroute_plugins.prepare.graph import Array, Graph, Node, from_proto, make
from edgeroute_plugins.prepare.statistics import Statistics


def rounded(graph: Graph, found: Mapping[str, Statistics], bits: int) -> onnx.ModelProto:
    """The network with every stored tensor of known statistics rounded to so many bits over its range."""
    copy, limits = from_proto(graph.to_proto()), gates.bounds(graph)
    stored = [n for node in graph.nodes for n in node.output if n in found and is_quantized(graph, n)]
    renamed: dict[str, str] = {}
    nodes: list[Node] = []
    for node in copy.nodes:
        node.input[:] = [renamed.get(n, n) for n in node.input]
        nodes.append(node)
        for name in (n for n in node.output if n in stored):
            nodes += _rounding(copy, name, width(found[name], limits.get(name, (-np.inf, np.inf))), 2**bits - 1)
            renamed[name] = str(nodes[-1].output[0])
    copy.nodes[:] = nodes
    copy.changed()
    model = copy.to_proto()
    for info in model.graph.output:
        info.name = renamed.get(info.name, info.name)
    return model


def width(statistics: Statistics, limits: tuple[float, float]) -> tuple[float, float]:
    """The range that has to be held: smallest and largest calibrated value, 0 included, without what a gate makes 0 anyway."""
    low, high = max(float(statistics.low.min()), limits[0]), min(float(statistics.high.max()), limits[1])
    return min(low, 0.0), max(high, 0.0)


def shares(exact: Sequence[Sequence[Array]], noisy: Sequence[Sequence[Array]]) -> list[float]:
    """Per output that is not constant, the mean squared difference over the variance of what is exact; both are [sample][output]."""
    found = []
    for output in range(len(exact[0])):
        wanted, got = (np.stack([r[output] for r in rows]).astype(np.float64) for rows in (exact, noisy))
        if wanted.var() > 0:
            found.append(float(((wanted - got) ** 2).mean() / wanted.var()))
    return found


def _rounding(graph: Graph, name: str, limits: tuple[float, float], levels: int) -> list[Node]:
    """Nodes that clip a tensor to its range and round it to steps; 0 is one of them."""
    step = max((limits[1] - limits[0]) / levels, 1e-12)
    zero = round(-limits[0] / step)
    low, high, size = (graph.add_constant("rounding", np.float32(v)) for v in (-zero * step, (levels - zero) * step, step))
    clipped, steps, whole, real = (f"{name}__{part}" for part in ("clipped", "steps", "whole", "real"))
    return [
        make("Clip", [name, low, high], [clipped]),
        make("Div", [clipped, size], [steps]),
        make("Round", [steps], [whole]),
        make("Mul", [whole, size], [real]),
    ]
