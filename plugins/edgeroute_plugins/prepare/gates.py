"""Gated activations opened for equalization: hard-swish and SiLU, whose channels a plain rescaling cannot reach.

`x · gate(x)` becomes `x' · gate(d(x'))`, where d is a 1x1 depthwise convolution that multiplies each channel by its scale s and x' = x/s.
The product then is y/s, so that equalization may choose s freely; d starts as the identity. It replaces the sum of a spelled-out
hard-swish (its 3 becomes d's bias) and costs one depthwise operator for SiLU. Exact.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from edgeroute_plugins.prepare import linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, make
from edgeroute_plugins.prepare.rewrite import clip_bounds

HARD_SWISH = "hard-swish"
SILU = "silu"
SILU_FLOOR = -6.0
"""Below it x·sigmoid(x) is nearer to 0 than -0.015: int8 ranges may end there."""


@dataclass(frozen=True)
class Gate:
    """One gated activation: `product` = `source` · gate(source)."""

    kind: str
    source: str
    product: Node
    squash: Node
    """The Clip or Sigmoid."""
    shift: Node
    """The Add of 3 or an opened gate's convolution; the squashing node itself for a plain SiLU."""

    @property
    def is_open(self) -> bool:
        return bool(self.shift.op_type == "Conv")

    @property
    def floor(self) -> float:
        """Smallest input that still matters."""
        return -3.0 if self.kind == HARD_SWISH else SILU_FLOOR


def find_gates(graph: Graph) -> list[Gate]:
    """Every `x · relu6(x + 3)` and `x · sigmoid(x)`, opened ones included, in topological order."""
    found = []
    for node in graph.nodes:
        if node.op_type != "Mul" or any(n in graph.constants for n in node.input):
            continue
        gate = _match(graph, node, *node.input) or _match(graph, node, *reversed(node.input))
        if gate is not None:
            found.append(gate)
    return found


def open_gates(graph: Graph, sources: Collection[str] | None = None) -> int:
    """Open the gates of these sources (all by default) whose source is a layer's output, perhaps bounded, that nothing else reads."""
    done = 0
    for gate in find_gates(graph):
        if gate.is_open or (sources is not None and gate.source not in sources) or not _can_open(graph, gate):
            continue
        channels = graph.shapes[gate.source][1]
        bias: Array = np.full(channels, 3.0 if gate.kind == HARD_SWISH else 0.0, np.float32)
        operands = [
            gate.source,
            graph.add_constant("gate_scale", np.ones((channels, 1, 1, 1), np.float32)),
            graph.add_constant("gate_bias", bias),
        ]
        scaled = graph.name(f"{gate.source}_gate")
        conv = make("Conv", operands, [scaled], group=channels, kernel_shape=[1, 1], pads=[0, 0, 0, 0], strides=[1, 1])
        graph.insert(conv, before=gate.shift)
        gate.squash.input[0] = scaled
        graph.changed()
        done += 1
    graph.prune()
    return done


def close_gates(graph: Graph) -> int:
    """Undo openings whose scales all stayed 1; returns how many."""
    done = 0
    for gate in find_gates(graph):
        if not gate.is_open:
            continue
        scales = graph.constants[gate.shift.input[1]]
        if np.all(scales == 1):
            _close(graph, gate)
            done += 1
    graph.prune()
    return done


def bounds(graph: Graph) -> dict[str, tuple[float, float]]:
    """Tensor → smallest and largest value that matter, for tensors that only a gate reads.

    A hard-swish is 0 below -3 and its gate constant above 3; a SiLU nearly so below SILU_FLOOR, its gate outside ±8. Ranges of
    8-bit tensors may end there at no loss. Where an opened gate scales its channels, the one that reaches lowest counts.
    """
    found = {}
    for gate in find_gates(graph):
        scale = 1.0
        if gate.is_open:
            found[gate.shift.output[0]] = (-8.0, 8.0) if gate.kind == SILU else (0.0, 6.0)
            scale = float(graph.constants[gate.shift.input[1]].min())
        readers = {id(n) for n in graph.consumers.get(gate.source, [])}
        if readers <= {id(gate.product), id(gate.shift), id(gate.squash)} and not graph.leaves(gate.source):
            found[gate.source] = (gate.floor / scale, np.inf) if scale > 0 else (-np.inf, np.inf)
    return found


def _match(graph: Graph, product: Node, source: str, gated: str) -> Gate | None:
    squash = graph.producer(gated)
    if squash is None or graph.only_consumer(gated) is not product:
        return None
    if squash.op_type == "Sigmoid":
        if squash.input[0] == source:
            return Gate(SILU, source, product, squash, squash)
        conv = _gate_conv(graph, squash, source)
        return None if conv is None else Gate(SILU, source, product, squash, conv)
    if squash.op_type != "Clip" or clip_bounds(graph, squash) != (0.0, 6.0):
        return None
    shift = graph.producer(squash.input[0])
    if shift is not None and shift.op_type == "Add" and source in shift.input and graph.only_consumer(squash.input[0]) is squash:
        value = next((graph.constants[n] for n in shift.input if n in graph.constants), None)
        if value is not None and value.size and np.all(value == 3):
            return Gate(HARD_SWISH, source, product, squash, shift)
    conv = _gate_conv(graph, squash, source)
    return None if conv is None else Gate(HARD_SWISH, source, product, squash, conv)


def _gate_conv(graph: Graph, squash: Node, source: str) -> Node | None:
    conv = graph.producer(squash.input[0])
    if conv is None or not linear.is_depthwise(graph, conv) or conv.input[0] != source or graph.only_consumer(conv.output[0]) is not squash:
        return None
    return conv if graph.constants[conv.input[1]].shape[2:] == (1, 1) else None


def _can_open(graph: Graph, gate: Gate) -> bool:
    shape = graph.shapes.get(gate.source, ())
    readers = {id(n) for n in graph.consumers.get(gate.source, [])}
    alone = readers <= {id(gate.product), id(gate.shift), id(gate.squash)} and not graph.leaves(gate.source)
    maker = graph.producer(gate.source)
    if maker is not None and maker.op_type == "Min" and maker.input[1] in graph.constants:
        maker = graph.producer(maker.input[0])
    return len(shape) == 4 and shape[1] > 1 and alone and linear.is_linear(graph, maker)


def _close(graph: Graph, gate: Gate) -> None:
    if gate.kind == SILU:
        gate.squash.input[0] = gate.source
    else:
        shifted = graph.name(f"{gate.source}_shifted")
        graph.insert(make("Add", [gate.source, graph.add_constant("three", np.float32(3))], [shifted]), before=gate.squash)
        gate.squash.input[0] = shifted
    graph.changed()
