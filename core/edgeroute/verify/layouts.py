"""Two arrays that hold the same numbers in another order: transposed, squeezed, or flattened after a transposition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
SURE = 0.99
"""A correlation at which no other order is looked for."""
CLEARLY_BETTER = 0.25
"""Noise power of a better order over that of the plain one: 6 dB."""
PLAUSIBLE = 0.5
USUAL = ((0, 1, 2, 3), (0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 2), (0, 2, 1))
"""Orders that converters make, tried first: as it is, NCHW → NHWC, NHWC → NCHW, channels and time."""


@dataclass(frozen=True)
class Layout:
    """How to read one array as if it were in another's order."""

    text: str
    """Empty when nothing but axes of length 1 differ."""
    apply: Callable[[Array], Array]
    """Returns an array of the reference's shape."""
    scrambled: bool = False
    """Not a transposition of whole axes: who reads it flat gets the numbers in another order."""


def transposes(source: tuple[int, ...], target: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All orders of the source's axes that give the target's shape, the likeliest first; axes of length 1 count as one order."""
    if sorted(source) != sorted(target):
        return []
    found: dict[tuple[int, ...], tuple[int, ...]] = {}
    usual = [p for p in USUAL if len(p) == len(source)]
    others = sorted(itertools.permutations(range(len(source))), key=_inversions) if len(source) <= 6 else [tuple(range(len(source)))]
    for order in itertools.chain(usual, others):
        if tuple(source[i] for i in order) == target:
            found.setdefault(tuple(i for i in order if source[i] != 1), order)
    return list(found.values())


def candidates(reference: tuple[int, ...], other: tuple[int, ...]) -> list[Layout]:
    """Ways to read an array of shape `other` as one of shape `reference` by exchanging whole axes, the likeliest first."""
    orders = transposes(reference, other)
    if orders:
        return [_transposed(order, reference) for order in orders]
    squeezed = transposes(_squeeze(reference), _squeeze(other))
    return [_transposed(order, _squeeze(reference), reshape=reference) for order in squeezed]


def find(references: Sequence[Array], others: Sequence[Array], scrambles: bool = True) -> Layout | None:
    """The order in which `others` (one array per sample) come closest to `references`; None when no order fits the shapes.

    Without `scrambles` only whole axes are exchanged.
    """
    shape, other = references[0].shape, others[0].shape
    plain = candidates(shape, other) or _reshapes(shape, other)
    best = _closest(references, others, plain)
    if best is not None and correlation(references, [best.apply(a) for a in others]) >= SURE:
        return best
    if not scrambles or references[0].size != others[0].size or not _same_values(references, others):
        return best
    reordered = _closest(references, others, [*([best] if best else []), *_scrambles(shape, other)])
    return reordered if reordered is not None and (best is None or reordered.scrambled) else best


def correlation(references: Sequence[Array], others: Sequence[Array]) -> float:
    """Pearson's, over all samples; 1 for equal constants, 0 when only one of the two varies."""
    r = np.concatenate([_finite(x).reshape(-1) for x in references])
    a = np.concatenate([_finite(x).reshape(-1) for x in others])
    r, a = r - r.mean(), a - a.mean()
    power = math.sqrt(_dot(r, r) * _dot(a, a))
    if power == 0.0:
        return 1.0 if not r.any() and not a.any() else 0.0
    return _dot(r, a) / power


def _finite(x: Array) -> Array:
    """float64 with zeros for NaN and infinity: an order is looked for among the rest."""
    return np.nan_to_num(np.asarray(x, np.float64), posinf=0.0, neginf=0.0)


def _dot(x: Array, y: Array) -> float:
    """Without the linear-algebra library, whose threads cost more than they bring here."""
    return float(np.einsum("i,i->", x, y))


def _closest(references: Sequence[Array], others: Sequence[Array], layouts: Sequence[Layout]) -> Layout | None:
    """The first layout, unless another one is clearly better and plausible in itself."""
    if not layouts:
        return None
    best, least = layouts[0], _noise(references, others, layouts[0])
    first = least
    for layout in layouts[1:]:
        if first == 0.0:
            break
        noise = _noise(references, others, layout)
        if noise < least and noise < CLEARLY_BETTER * first and correlation(references, [layout.apply(a) for a in others]) > PLAUSIBLE:
            best, least = layout, noise
    return best


def _reshapes(reference: tuple[int, ...], other: tuple[int, ...]) -> list[Layout]:
    if math.prod(reference) != math.prod(other):
        return []
    return [Layout(f"shape {list(other)} instead of {list(reference)}", lambda array: array.reshape(reference))]


def _noise(references: Sequence[Array], others: Sequence[Array], layout: Layout) -> float:
    total = 0.0
    for r, a in zip(references, others, strict=True):
        difference = _finite(r) - layout.apply(_finite(a))
        total += float((difference**2).sum())
    return total


def _transposed(order: tuple[int, ...], source: tuple[int, ...], reshape: tuple[int, ...] | None = None) -> Layout:
    """The array is the reference with its axes in `order`; reading it back needs the inverse."""
    inverse = tuple(int(i) for i in np.argsort(order))
    moved = [i for i in order if source[i] != 1]
    text = "" if moved == sorted(moved) else f"axes {', '.join(map(str, order))} of the source's"
    target = reshape or source

    def apply(array: Array) -> Array:
        core = array.reshape(tuple(source[i] for i in order))
        return core.transpose(inverse).reshape(target)

    return Layout(text, apply)


def _scrambles(reference: tuple[int, ...], other: tuple[int, ...]) -> Iterator[Layout]:
    """Reshapes after a transposition: of the array's axes, of the reference's axes, or inside one axis of a common shape."""
    for order in _orders(len(_squeeze(other))):
        yield _reshaped_after(order, _squeeze(other), reference)
    for order in _orders(len(_squeeze(reference))):
        yield _reshaped_before(order, _squeeze(reference), reference)
    if reference == other:
        for axis, length in enumerate(reference):
            for factor in range(2, length):
                if length % factor == 0:
                    yield _swapped_inside(axis, factor, reference)


def _reshaped_after(order: tuple[int, ...], shape: tuple[int, ...], reference: tuple[int, ...]) -> Layout:
    text = f"the source's order is its axes {', '.join(map(str, order))}, flattened"
    return Layout(text, lambda array: array.reshape(shape).transpose(order).reshape(reference), scrambled=True)


def _reshaped_before(order: tuple[int, ...], shape: tuple[int, ...], reference: tuple[int, ...]) -> Layout:
    inverse = tuple(int(i) for i in np.argsort(order))
    moved = tuple(shape[i] for i in order)
    text = f"the source's axes {', '.join(map(str, order))}, flattened"
    return Layout(text, lambda array: array.reshape(moved).transpose(inverse).reshape(reference), scrambled=True)


def _swapped_inside(axis: int, factor: int, shape: tuple[int, ...]) -> Layout:
    split = (*shape[:axis], factor, shape[axis] // factor, *shape[axis + 1 :])
    text = f"axis {axis} is the source's {shape[axis] // factor} x {factor}, transposed before flattening"
    return Layout(text, lambda array: array.reshape(split).swapaxes(axis, axis + 1).reshape(shape), scrambled=True)


def _same_values(references: Sequence[Array], others: Sequence[Array]) -> bool:
    """Whether the sorted numbers agree: the mark of a permutation."""
    r = [np.sort(np.asarray(x, np.float64).reshape(-1)) for x in references]
    a = [np.sort(np.asarray(x, np.float64).reshape(-1)) for x in others]
    return correlation(r, a) >= SURE


def _orders(rank: int) -> Iterator[tuple[int, ...]]:
    orders = itertools.permutations(range(rank)) if 2 <= rank <= 5 else iter(())
    return (o for o in orders if list(o) != sorted(o))


def _inversions(order: tuple[int, ...]) -> int:
    return sum(a > b for a, b in itertools.combinations(order, 2))


def _squeeze(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(d for d in shape if d != 1)
