"""Which tensor of a float file became which tensor of the int8 file: quantizers rename, reorder, fuse and insert.

Operators are paired in the float file's order: same kind, same operands (as paired so far), same result shape, and among several the
one whose constants are nearest. A float activation that the quantizer fused into the operator before it maps to that operator's result.
"""

from __future__ import annotations

import numpy as np

from edgeroute_plugins.refine.network import Array, Layer, Network, Operator

BORDERS = frozenset({"QUANTIZE", "DEQUANTIZE"})
FUSABLE = frozenset({"RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"})
RESHAPING = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
"""Quantizers merge and move these: a reshaped tensor counts as the tensor itself."""
BOUNDING = frozenset({"MINIMUM", "MAXIMUM"})
"""Their constants may end where the range of the quantized operand ends: being far away says nothing."""
FAR = 0.2
"""Constants whose relative distance is larger are others."""


def pair_tensors(floating: Network, integer: Network) -> dict[int, int]:
    """Float activation → int8 activation; what could not be paired is missing."""
    pairs = dict(zip(floating.inputs, [_first_inner(integer, t) for t in integer.inputs], strict=True))
    aliases = _aliases(integer)
    used: set[int] = set()
    for operator in (o for o in floating.operators if o.inputs):
        if operator.name in RESHAPING and operator.inputs[0] in pairs:
            pairs[operator.outputs[0]] = pairs[operator.inputs[0]]
            continue
        partner = _partner(floating, integer, operator, pairs, aliases, used)
        if partner is not None:
            used.add(partner.index)
            pairs |= dict(zip(operator.outputs, partner.outputs, strict=True))
        elif operator.inputs[0] in pairs and _absorbed(integer, operator, pairs[operator.inputs[0]]):
            pairs[operator.outputs[0]] = pairs[operator.inputs[0]]
    return pairs


def pair_layers(floating: Network, integer: Network) -> list[tuple[Layer, Layer]]:
    """Layers of both files that are the same one, in the int8 file's order."""
    pairs = pair_tensors(floating, integer)
    by_result = {layer.result: layer for layer in integer.layers}
    found = []
    for layer in floating.layers:
        partner = by_result.get(pairs.get(layer.result, -1))
        if partner is not None and floating.shape(layer.weights) == integer.shape(partner.weights):
            found.append((layer, partner))
    return sorted(found, key=lambda pair: pair[1].operator.index)


def _absorbed(integer: Network, operator: Operator, tensor: int) -> bool:
    """Whether a float operator lives on in others: an activation fused before it, padding in the layer behind it."""
    if operator.name == "PAD":
        return True
    maker = integer.producers.get(tensor)
    while maker is not None and maker.name in RESHAPING:
        maker = integer.producers.get(maker.inputs[0])
    return operator.name in FUSABLE and maker is not None and maker.fused == operator.name


def _first_inner(integer: Network, tensor: int) -> int:
    readers = integer.consumers.get(tensor, [])
    return readers[0].outputs[0] if len(readers) == 1 and readers[0].name == "QUANTIZE" else tensor


def _aliases(integer: Network) -> dict[int, int]:
    """Result of a requantization or a reshape → what it was before."""
    found: dict[int, int] = {}
    for operator in integer.operators:
        if operator.name in BORDERS | RESHAPING and operator.inputs[0] not in integer.inputs:
            found[operator.outputs[0]] = found.get(operator.inputs[0], operator.inputs[0])
    return found


def _partner(
    floating: Network, integer: Network, operator: Operator, pairs: dict[int, int], aliases: dict[int, int], used: set[int]
) -> Operator | None:
    variables = [t for t in operator.inputs if t >= 0 and not floating.is_constant(t)]
    if any(t not in pairs for t in variables) or not variables:
        return None
    wanted = [pairs[t] for t in variables]
    candidates = [
        other
        for other in _readers(integer, wanted[0], aliases)
        if other.name == operator.name
        and other.index not in used
        and [aliases.get(t, t) for t in other.inputs if t >= 0 and not integer.is_constant(t)] == [aliases.get(t, t) for t in wanted]
        and [len(integer.shape(t)) for t in other.outputs] == [len(floating.shape(t)) for t in operator.outputs]
    ]
    scored = [(_distance(floating, integer, operator, other), other.index, other) for other in candidates]
    best = min(scored, default=None, key=lambda item: item[:2])
    return best[2] if best is not None and best[0] <= FAR else None


def _readers(integer: Network, tensor: int, aliases: dict[int, int]) -> list[Operator]:
    base = aliases.get(tensor, tensor)
    names = [base, *(t for t, source in aliases.items() if source == base)]
    return [operator for name in names for operator in integer.consumers.get(name, [])]


def _distance(floating: Network, integer: Network, left: Operator, right: Operator) -> float:
    """Largest relative distance between constants at the same place, biases aside (they are corrected by quantizers)."""
    a = [floating.real(t) for t in left.inputs if floating.is_constant(t)]
    b = [integer.real(t) for t in right.inputs if integer.is_constant(t)]
    if left.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
        a, b = a[: 2 if left.name == "TRANSPOSE_CONV" else 1], b[: 2 if left.name == "TRANSPOSE_CONV" else 1]
    if len(a) != len(b):
        return 1.0
    distance = max((_relative(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
    return min(distance, FAR) if left.name in BOUNDING else distance


def _relative(x: Array, y: Array) -> float:
    if x is None or y is None or x.shape != y.shape:
        return 1.0
    return float(np.sqrt(((x - y) ** 2).sum() / max(float((x**2).sum()), 1e-30)))
