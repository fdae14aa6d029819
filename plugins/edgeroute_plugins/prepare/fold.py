"""Affine operators folded into the convolutions and dense layers beside them. Exact but for rounding.

Each pass changes the graph in place and returns how many places it changed; `fold` repeats them until nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeroute_plugins.prepare import linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, attribute, make
from edgeroute_plugins.prepare.padding import fold_pads

POSITIVE = frozenset({"Relu", "LeakyRelu", "MaxPool", "PRelu"})
"""f(m·x) = m·f(x) for m > 0, per channel."""
MIXING = frozenset({"AveragePool", "GlobalAveragePool", "Identity"})
"""f(m·x) = m·f(x) for every m, per channel."""


def fold(graph: Graph) -> dict[str, int]:
    """Run every pass until none changes anything; returns how often each one did."""
    counts: dict[str, int] = {}
    while True:
        changed = 0
        for step in PASSES:
            done = step(graph)
            counts[step.__name__] = counts.get(step.__name__, 0) + done
            changed += done
        graph.prune()
        if not changed:
            return {name: n for name, n in counts.items() if n}


def drop_identities(graph: Graph) -> int:
    """Remove Identity and Dropout, which do nothing at inference."""
    done = 0
    for node in list(graph.nodes):
        if node.op_type in ("Identity", "Dropout") and node.input[0] not in graph.constants:
            done += graph.bypass(node, node.input[0])
    return done


def spell_affine(graph: Graph) -> int:
    """Write `x − c` as `x + (−c)`, `x / c` as `x · 1/c`, and put the constant last."""
    done = 0
    for node in graph.nodes:
        if node.op_type in ("Add", "Mul") and node.input[0] in graph.constants and node.input[1] not in graph.constants:
            node.input[:] = [node.input[1], node.input[0]]
            done += 1
        value = graph.constant(node.input[1]) if node.op_type in ("Sub", "Div") else None
        if value is None or value.dtype != np.float32 or node.input[0] in graph.constants:
            continue
        if node.op_type == "Div" and not np.all(np.isfinite(1.0 / value.astype(np.float64))):
            continue
        graph.set_constant(node, 1, -value if node.op_type == "Sub" else (1.0 / value.astype(np.float64)).astype(np.float32))
        node.op_type = "Add" if node.op_type == "Sub" else "Mul"
        done += 1
    graph.changed()
    return done


def spell_batch_norms(graph: Graph) -> int:
    """Write an inference BatchNormalization as Mul and Add, which the other passes fold."""
    done = 0
    for node in list(graph.nodes):
        if node.op_type != "BatchNormalization" or any(graph.constant(n) is None for n in node.input[1:]):
            continue
        rank = len(graph.shapes.get(node.input[0], (0, 0, 0, 0)))
        gamma, beta, mean, variance = (graph.constants[n].astype(np.float64) for n in node.input[1:5])
        factor = gamma / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
        middle = graph.name(f"{node.output[0]}_scaled")
        scale = graph.add_constant("bn_scale", linear.along(factor, rank, 1))
        shift = graph.add_constant("bn_shift", linear.along(beta - mean * factor, rank, 1))
        graph.insert(make("Mul", [node.input[0], scale], [middle]), before=node)
        graph.insert(make("Add", [middle, shift], [node.output[0]]), before=node)
        graph.remove(node)
        done += 1
    return done


def fold_behind(graph: Graph) -> int:
    """Fold Mul and Add by constants into the linear layer whose output they take."""
    done = 0
    for node in list(graph.nodes):
        layer = graph.producer(node.input[0]) if node.op_type in ("Add", "Mul") else None
        if layer is None or not linear.is_linear(graph, layer) or graph.only_consumer(node.input[0]) is not node:
            continue
        vector = _constant_operand(graph, node, linear.channel_axis(layer))
        if vector is None or vector.size != linear.out_channels(graph, layer) or not _fits(graph, node, layer):
            continue
        if graph.bypass(node, node.input[0]):
            (linear.scale_output if node.op_type == "Mul" else linear.shift_output)(graph, layer, vector)
            done += 1
    return done


def fold_ahead(graph: Graph) -> int:
    """Fold Mul, and Add where nothing is padded, into the linear layers that read the result."""
    done = 0
    for node in list(graph.nodes):
        readers = graph.consumers.get(node.output[0], []) if node.op_type in ("Add", "Mul") else []
        if not readers or graph.leaves(node.output[0]) or not all(_absorbs(graph, node, reader) for reader in readers):
            continue
        vector = _constant_operand(graph, node, linear.channel_axis(readers[0]))
        if vector is None or len({linear.channel_axis(r) for r in readers}) > 1:
            continue
        for reader in readers:
            if node.op_type == "Add":
                value = linear.weights(graph, reader)
                spread = vector.reshape(value.shape[0], 1, value.shape[2], 1)
                linear.shift_output(graph, reader, (value * spread).sum(axis=(2, 3)).reshape(-1))
            else:
                linear.scale_input(graph, reader, vector)
        graph.bypass(node, node.input[0])
        done += 1
    return done


def merge_affine(graph: Graph) -> int:
    """Merge neighbouring Mul·Mul and Add·Add by constants."""
    done = 0
    for node in list(graph.nodes):
        before = graph.producer(node.input[0]) if node.op_type in ("Add", "Mul") else None
        if before is None or before.op_type != node.op_type or graph.only_consumer(node.input[0]) is not node:
            continue
        first, second = graph.constant(before.input[1]), graph.constant(node.input[1])
        if first is None or second is None or not _keeps_shape(graph, before) or not _keeps_shape(graph, node):
            continue
        wide = first.astype(np.float64), second.astype(np.float64)
        graph.set_constant(node, 1, (wide[0] + wide[1] if node.op_type == "Add" else wide[0] * wide[1]).astype(np.float32))
        graph.bypass(before, before.input[0])
        done += 1
    return done


def swap_affine(graph: Graph) -> int:
    """Write `m·x + c` as `m·(x + c/m)` where linear layers that cannot take the sum (padding) can take the factor."""
    done = 0
    for node in list(graph.nodes):
        before = graph.producer(node.input[0]) if node.op_type == "Add" else None
        if before is None or before.op_type != "Mul" or graph.only_consumer(node.input[0]) is not node:
            continue
        factor, offset = graph.constant(before.input[1]), graph.constant(node.input[1])
        readers = graph.consumers.get(node.output[0], [])
        if factor is None or offset is None or np.any(factor == 0) or graph.leaves(node.output[0]):
            continue
        if not readers or not all(linear.is_linear(graph, r) and r.input[0] == node.output[0] for r in readers):
            continue
        graph.set_constant(before, 1, (offset.astype(np.float64) / factor).astype(np.float32))
        graph.set_constant(node, 1, factor)
        before.op_type, node.op_type = "Add", "Mul"
        graph.changed()
        done += 1
    return done


def lift_factors(graph: Graph) -> int:
    """Carry a constant factor back through activations and pools, towards the layer that can take it."""
    done = 0
    for node in list(graph.nodes):
        above = graph.producer(node.input[0]) if node.op_type == "Mul" else None
        if above is None or above.op_type not in POSITIVE | MIXING or graph.only_consumer(node.input[0]) is not node:
            continue
        vector = _constant_operand(graph, node, 1)
        if vector is None or (above.op_type in POSITIVE and np.any(vector <= 0)) or not _leads_to_linear(graph, above):
            continue
        source, result = above.input[0], node.output[0]
        scaled = graph.name(f"{source}_scaled")
        shape = graph.shapes[source]
        factor = graph.add_constant("factor", linear.along(vector, len(shape), 1))
        graph.insert(make("Mul", [source, factor], [scaled]), before=above)
        above.input[0] = scaled
        if graph.bypass(node, node.input[0]):
            done += 1
        else:
            raise AssertionError(f"{result}: the activation's only reader could not be removed")
    return done


def sink_factors(graph: Graph) -> int:
    """Carry a single constant factor of one operand of a product behind the product: `(c·x)·y` becomes `c·(x·y)`."""
    done = 0
    for node in list(graph.nodes):
        reader = graph.only_consumer(node.output[0]) if node.op_type == "Mul" else None
        value = graph.constant(node.input[1]) if node.op_type == "Mul" else None
        if reader is None or value is None or value.size != 1 or reader.op_type != "Mul" or not _keeps_shape(graph, node):
            continue
        if any(name in graph.constants for name in reader.input) or graph.leaves(reader.output[0]):
            continue
        readers = graph.consumers.get(reader.output[0], [])
        if not readers or not all(linear.is_linear(graph, r) or r.op_type == "Mul" for r in readers):
            continue
        graph.redirect(node.output[0], node.input[0], within=[reader])
        scaled = graph.name(f"{reader.output[0]}_scaled")
        graph.redirect(reader.output[0], scaled)
        graph.insert(make("Mul", [reader.output[0], graph.add_constant("factor", value.reshape(()))], [scaled]), after=reader.output[0])
        graph.remove(node)
        done += 1
    return done


def _constant_operand(graph: Graph, node: Node, axis: int) -> Array | None:
    """The second operand of Add or Mul as one float per channel of the first."""
    value = graph.constant(node.input[1])
    if value is None or value.dtype != np.float32 or node.input[0] in graph.constants:
        return None
    shape = graph.shapes.get(node.input[0])
    return None if shape is None or len(shape) < 2 else linear.channel_vector(value, shape, axis)


def _fits(graph: Graph, node: Node, layer: Node) -> bool:
    return node.op_type == "Mul" or linear.can_have_bias(graph, layer)


def _keeps_shape(graph: Graph, node: Node) -> bool:
    shapes = graph.shapes
    return node.output[0] in shapes and shapes.get(node.input[0]) == shapes[node.output[0]]


def _absorbs(graph: Graph, node: Node, reader: Node) -> bool:
    if not linear.is_linear(graph, reader) or reader.input[0] != node.output[0]:
        return False
    return node.op_type == "Mul" or (linear.is_unpadded(reader) and linear.can_have_bias(graph, reader))


def _leads_to_linear(graph: Graph, node: Node | None) -> bool:
    """Whether a chain of activations and pools, each read once, starts at a linear layer."""
    while node is not None and node.op_type in POSITIVE | MIXING:
        if graph.only_consumer(node.input[0]) is not node:
            return False
        node = graph.producer(node.input[0])
    return linear.is_linear(graph, node)


PASSES: tuple[Callable[[Graph], int], ...] = (
    drop_identities,
    spell_batch_norms,
    spell_affine,
    fold_pads,
    fold_behind,
    lift_factors,
    merge_affine,
    sink_factors,
    fold_ahead,
    swap_affine,
)
