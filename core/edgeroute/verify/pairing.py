"""Which input and output of a file is which of the source's: by name, by shape, by what they compute."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeroute.types import Tensor
from edgeroute.verify import layouts
from edgeroute.verify.layouts import Layout

Array = Any
TELLS = 0.5
"""A correlation below which a pair made by name is doubted."""
MOST_TRIALS = 8


@dataclass(frozen=True)
class Feed:
    """Where one input of the file comes from."""

    source: int
    order: tuple[int, ...] | None
    """Axes of the source's input in the file's order; None: reshaped, only axes of length 1 differ."""
    shape: tuple[int, ...]

    @property
    def is_plain(self) -> bool:
        return self.order is None or list(self.order) == sorted(self.order)

    def apply(self, value: Array) -> Array:
        """The source's value in the file's shape."""
        return value.reshape(self.shape) if self.order is None else value.transpose(self.order)


@dataclass(frozen=True)
class Pair:
    """One output of the file against one output of the source, or a part of it."""

    output: int
    reference: int
    layout: Layout
    cut: tuple[int, int, int] | None = None
    """Axis, start and stop where the file split the source's output."""

    def of(self, reference: Array) -> Array:
        return part_of(reference, self.cut)


def part_of(reference: Array, cut: tuple[int, int, int] | None) -> Array:
    """The slice along an axis (axis, start, stop), or all of it."""
    if cut is None:
        return reference
    axis, start, stop = cut
    return reference[(slice(None),) * axis + (slice(start, stop),)]


def feeds(sources: Sequence[Tensor], wanted: Sequence[Tensor]) -> Iterator[list[Feed]]:
    """Ways to feed the file from the source's inputs, the likeliest first; nothing when an input fits none of them."""
    options = [_options(sources, tensor, index) for index, tensor in enumerate(wanted)]
    if len(sources) < len(wanted) or not all(options):
        return
    ways = (list(way) for way in itertools.product(*options) if len({f.source for f in way}) == len(wanted))
    yield from itertools.islice(ways, MOST_TRIALS)


def outputs(
    tensors: Sequence[Tensor], references: Sequence[Sequence[Array]], names: Sequence[str], values: Sequence[Sequence[Array]]
) -> list[Pair]:
    """Pair the file's outputs with the source's; `references[i]` and `values[j]` hold a few samples each.

    A pair of one name is believed unless other pairs of the same shapes follow each other far better. Where the file has parts of one
    output (a concat left out), each part is paired with its slice. What no shape fits is left out.
    """
    named = _by_name([t.name for t in tensors], names)
    table = {(j, i): layouts.find(references[i], values[j]) for j in range(len(values)) for i in range(len(references))}
    score = {
        key: layouts.correlation(references[key[1]], [layout.apply(a) for a in values[key[0]]]) for key, layout in table.items() if layout
    }
    pairs = _greedy(score, named)
    found = [_pair(j, i, table[j, i]) for j, i in sorted(pairs.items(), key=lambda item: item[1])]
    return found + _parts(found, references, values)


def plain_name(name: str) -> str:
    """Without what converters add: a signature's prefix, `:0`, and other characters for `/`, `.` and `:`."""
    name = re.sub(r"^(serving_default_|StatefulPartitionedCall_?)", "", name)
    return re.sub(r"[^0-9a-z]+", "_", re.sub(r":\d+$", "", name).lower()).strip("_")


def _greedy(score: dict[tuple[int, int], float], named: dict[int, int]) -> dict[int, int]:
    """Output → reference: names first; without or against them the best followers, ties by position."""
    believed = {j: i for j, i in named.items() if (j, i) in score}
    by_sight = _take(score, {}, sorted(score, key=lambda key: (-round(score[key], 3), abs(key[0] - key[1]))))
    by_name = _take(score, believed, sorted(score, key=lambda key: (-round(score[key], 3), abs(key[0] - key[1]))))
    doubted = any(score[j, i] < TELLS for j, i in by_name.items()) and len(by_sight) >= len(by_name)
    if doubted and all(score[j, i] >= TELLS for j, i in by_sight.items()):
        return by_sight
    return by_name


def _take(score: dict[tuple[int, int], float], first: dict[int, int], keys: Sequence[tuple[int, int]]) -> dict[int, int]:
    pairs = dict(first)
    for j, i in keys:
        if j not in pairs and i not in pairs.values() and (j, i) in score:
            pairs[j] = i
    return pairs


def _pair(output: int, reference: int, layout: Layout | None) -> Pair:
    assert layout is not None
    return Pair(output, reference, layout)


def _options(sources: Sequence[Tensor], tensor: Tensor, position: int) -> list[Feed]:
    """Feeds for one input: of the same name, else of its position, else of any source whose shape fits."""
    order = sorted(range(len(sources)), key=lambda i: (plain_name(sources[i].name) != plain_name(tensor.name), i != position, i))
    return [feed for i in order for feed in _fits(sources[i], tensor, i)]


def _fits(source: Tensor, tensor: Tensor, index: int) -> list[Feed]:
    given = tuple(int(d or 1) for d in source.shape)
    wanted = _filled(tensor.shape, given)
    found = [Feed(index, order, wanted) for order in layouts.transposes(given, wanted)]
    if not found and [d for d in given if d != 1] == [d for d in wanted if d != 1]:
        return [Feed(index, None, wanted)]
    return found


def _filled(shape: tuple[int | None, ...], given: tuple[int, ...]) -> tuple[int, ...]:
    """Open dimensions take the source's size at the same place."""
    return tuple(given[i] if d is None and i < len(given) else int(d or 1) for i, d in enumerate(shape))


def _by_name(names: Sequence[str], references: Sequence[str]) -> dict[int, int]:
    plain = [plain_name(n) for n in references]
    return {j: plain.index(plain_name(n)) for j, n in enumerate(names) if plain.count(plain_name(n)) == 1}


def _parts(found: list[Pair], references: Sequence[Sequence[Array]], values: Sequence[Sequence[Array]]) -> list[Pair]:
    """Outputs of the file that together are one output of the source, cut along one axis."""
    left = [j for j in range(len(values)) if j not in {p.output for p in found}]
    missing = [i for i in range(len(references)) if i not in {p.reference for p in found}]
    pairs: list[Pair] = []
    for i in missing:
        cut = _cut(references[i], {j: values[j] for j in left})
        pairs += [Pair(p.output, i, p.layout, p.cut) for p in cut]
        left = [j for j in left if j not in {p.output for p in cut}]
    return pairs


def _cut(reference: Sequence[Array], values: dict[int, Sequence[Array]]) -> list[Pair]:
    """Slices of one reference output that the values follow best, along whichever axis; empty when none fill it."""
    ways = [_cut_along(reference, values, axis) for axis in range(len(reference[0].shape) - 1, -1, -1)]
    return max((w for w in ways if w), key=lambda pairs: _worst(reference, values, pairs), default=[])


def _cut_along(reference: Sequence[Array], values: dict[int, Sequence[Array]], axis: int) -> list[Pair]:
    """Slices along one axis, in order."""
    pairs: list[Pair] = []
    start, left = 0, dict(values)
    while start < reference[0].shape[axis] and left:
        best = _next_part(reference, left, axis, start)
        if best is None or best.cut is None:
            return []
        pairs.append(best)
        start = best.cut[2]
        left.pop(best.output)
    return pairs if start == reference[0].shape[axis] and len(pairs) > 1 else []


def _worst(reference: Sequence[Array], values: dict[int, Sequence[Array]], pairs: Sequence[Pair]) -> float:
    return min(layouts.correlation([p.of(r) for r in reference], [p.layout.apply(a) for a in values[p.output]]) for p in pairs)


def _next_part(reference: Sequence[Array], values: dict[int, Sequence[Array]], axis: int, start: int) -> Pair | None:
    """Of the values that fit behind `start` the one that follows its slice best."""
    best, most = None, -2.0
    total = reference[0].shape[axis]
    rest = reference[0].size // total
    for j, samples in values.items():
        size = samples[0].size // max(1, rest)
        if size == 0 or size * rest != samples[0].size or start + size > total:
            continue
        part = [r[(slice(None),) * axis + (slice(start, start + size),)] for r in reference]
        layout = layouts.find(part, samples)
        if layout is None:
            continue
        follows = layouts.correlation(part, [layout.apply(np.asarray(a)) for a in samples])
        if follows > most + 1e-6:
            best, most = Pair(j, 0, layout, (axis, start, start + size)), follows
    return best
