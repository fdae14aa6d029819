"""Which layer of one file is which of another: by their place in the graph and by their weights, by name where that is all there is.

Quantizers rename most tensors (66 of 323 names survived one of them), so a name alone is no proof between files of one format. Layers
correspond when they have the same operator, shape, and inputs that correspond; where that leaves a choice, the more alike (dequantized)
weights decide. Between formats the names are what a converter kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeroute.types import Layer, Trace
from edgeroute.verify import layouts
from edgeroute.verify.pairing import plain_name

Array = Any
PASSING = frozenset({"QUANTIZE", "DEQUANTIZE", "QuantizeLinear", "DequantizeLinear", "Identity", "CAST", "Cast"})
"""Operators that hand on what they get, but for rounding."""
ALIKE = 0.8
"""Correlation of weights that are one constant, quantized."""
MOST_ROUNDS = 4


@dataclass
class Match:
    """Tensors of the second file and their counterparts in the first, by key."""

    first: Trace
    second: Trace
    pairs: dict[str, str] = field(default_factory=dict)
    """Second's tensor → first's, results of layers only."""
    aliases: tuple[dict[str, str], dict[str, str]] = field(default_factory=lambda: ({}, {}))
    """Of each file: result of a passing operator → what it was given."""

    @property
    def matched(self) -> int:
        return len(self.pairs)


def match(first: Trace, second: Trace, feeds: Mapping[int, int]) -> Match:
    """`feeds` tells which input of the first file each input of the second is. Values of a run are needed for shapes of ONNX tensors."""
    made = Match(first, second, aliases=(_aliases(first), _aliases(second)))
    roots = {_input_key(second, j): _input_key(first, i) for j, i in feeds.items()}
    same_kind = {layer.operator for layer in first.layers} & {layer.operator for layer in second.layers}
    if len(same_kind) >= 0.5 * len({layer.operator for layer in second.layers} - PASSING):
        Structure(made, roots).run()
    _match_names(made)
    return made


class Structure:
    """Matches layers of files that share a vocabulary, in rounds: what a later choice settles may settle earlier ones."""

    def __init__(self, made: Match, roots: Mapping[str, str]) -> None:
        self.made = made
        self.known = dict(roots)
        self.free = {i: layer for i, layer in enumerate(made.first.layers) if layer.operator not in PASSING}
        self.open = {j: layer for j, layer in enumerate(made.second.layers) if layer.operator not in PASSING}

    def run(self) -> None:
        for _ in range(MOST_ROUNDS):
            before = len(self.open)
            for j, layer in list(self.open.items()):
                self._settle(j, layer, [i for i in self._candidates(layer) if self._inputs_agree(self.free[i], layer)])
            for j, layer in list(self.open.items()):
                self._settle(j, layer, self._by_weights(layer))
            if len(self.open) == before:
                return

    def _candidates(self, layer: Layer) -> list[int]:
        shapes = [self.made.second.shape(o) for o in layer.outputs]
        return [
            i
            for i, other in self.free.items()
            if other.operator == layer.operator and [self.made.first.shape(o) for o in other.outputs] == shapes
        ]

    def _settle(self, j: int, layer: Layer, candidates: Sequence[int]) -> None:
        """Take the candidate with the most alike weights, of those the first in order."""
        if not candidates:
            return
        scored = (
            [(round(self._weights(self.free[i], layer), 2), -i) for i in candidates] if len(candidates) > 1 else [(1.0, -candidates[0])]
        )
        chosen = -max(scored)[1]
        other = self.free.pop(chosen)
        del self.open[j]
        for ours, theirs in zip(layer.outputs, other.outputs, strict=True):
            self.made.pairs[ours] = theirs
            self.known[ours] = theirs

    def _inputs_agree(self, other: Layer, layer: Layer) -> bool:
        """The inputs that are known correspond, whatever their order, and at least one is known."""
        ours = [self.known.get(_through(k, self.made.aliases[1])) for k in layer.inputs if not self.made.second.is_constant(k)]
        theirs = [_through(k, self.made.aliases[0]) for k in other.inputs if not self.made.first.is_constant(k)]
        found = [k for k in ours if k is not None]
        return bool(found) and len(ours) == len(theirs) and all(found.count(k) <= theirs.count(k) for k in found)

    def _by_weights(self, layer: Layer) -> list[int]:
        """Layers elsewhere in the graph whose weights are these, or the only one of its kind."""
        candidates = self._candidates(layer)
        if not any(self.made.second.is_constant(k) for k in layer.inputs):
            return []
        return [i for i in candidates if self._weights(self.free[i], layer) >= ALIKE]

    def _weights(self, other: Layer, layer: Layer) -> float:
        """Correlation of the largest constants; 0 where either has none."""
        ours, theirs = _largest_constant(self.made.second, layer), _largest_constant(self.made.first, other)
        if ours is None or theirs is None or ours.shape != theirs.shape or ours.size < 2:
            return 0.0
        return layouts.correlation([theirs], [ours])


def _match_names(made: Match) -> None:
    """Tensors of one name and size that are still alone on both sides; a passed-on tensor stands for what it was made of."""
    taken = set(made.pairs.values())
    names: dict[str, str] = {}
    produced = {key for layer in made.second.layers for key in layer.outputs}
    for layer in made.first.layers:
        for key in layer.outputs:
            if key not in taken:
                names.setdefault(comparable(made.first.label(key)), key)
    for layer in made.second.layers:
        for key in layer.outputs:
            name = comparable(made.second.label(key))
            target = _through(key, made.aliases[1])
            if target in made.pairs or name not in names or _size(made.second, target) != _size(made.first, names[name]):
                continue
            if target in produced:
                made.pairs[target] = names.pop(name)


def comparable(name: str) -> str:
    """A tensor's name without what formats add: leading slashes, `_output_0`."""
    return plain_name(name).removesuffix("_output_0").removesuffix("_output")


def _aliases(trace: Trace) -> dict[str, str]:
    return {layer.outputs[0]: layer.inputs[0] for layer in trace.layers if layer.operator in PASSING and layer.inputs and layer.outputs}


def _through(key: str, aliases: Mapping[str, str]) -> str:
    while key in aliases:
        key = aliases[key]
    return key


def _input_key(trace: Trace, index: int) -> str:
    """The key under which layers read an input."""
    produced = {o for layer in trace.layers for o in layer.outputs}
    read = [k for layer in trace.layers for k in layer.inputs if k not in produced and not trace.is_constant(k)]
    name = trace.inputs[index].name
    named = [k for k in read if k == name or trace.label(k) == name]
    ordered = list(dict.fromkeys(read))
    return named[0] if named else ordered[index] if index < len(ordered) else ""


def _largest_constant(trace: Trace, layer: Layer) -> Array | None:
    values = [trace.value(k) for k in layer.inputs if trace.is_constant(k)]
    floats = [v for v in values if v is not None and np.asarray(v).dtype.kind == "f"]
    return max(floats, key=np.size) if floats else None


def _size(trace: Trace, key: str) -> int:
    return int(np.prod(trace.shape(key), dtype=np.int64))
