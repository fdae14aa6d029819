"""Constants of which a file stores only what is not zero, as TFLite lays them out (`SparsityParameters` of its schema).

The dimensions are levels of a tree, in the order of `traversalOrder`; those behind the tensor's own are blocks, each a part of the
dimension that `blockMap` names. A dense level has all its indices, another lists them; the leaves are the stored values in their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

DENSE = 0
Array = Any


def expand(sparsity: Any, stored: Array, shape: Sequence[int]) -> Array:
    """The whole constant of this shape. Raises ValueError where the description does not fit the values."""
    order, blocks = [int(i) for i in sparsity.traversalOrder], [int(i) for i in _listed(sparsity.blockMap)]
    if not order or sorted(order) != list(range(len(shape) + len(blocks))) or len(sparsity.dimMetadata) != len(order):
        raise ValueError(f"a sparse constant of {len(shape)} dimensions is described by {len(order)}")
    levels = _indices(sparsity.dimMetadata, math.prod(shape))
    if len(levels[0]) != len(stored):
        raise ValueError(f"a sparse constant of {len(stored)} values is described as one of {len(levels[0])}")
    place = [levels[order.index(dimension)] for dimension in range(len(shape))]
    for block, dimension in enumerate(blocks):
        level = order.index(len(shape) + block)
        place[dimension] = place[dimension] * int(sparsity.dimMetadata[level].denseSize) + levels[level]
    if any(np.any((p < 0) | (p >= size)) for p, size in zip(place, shape, strict=True)):
        raise ValueError(f"a sparse constant of shape {list(shape)} has indices outside of it")
    whole = np.zeros(tuple(shape), stored.dtype)
    whole[tuple(place)] = stored
    return whole


def _indices(levels: Sequence[Any], most: int) -> list[Array]:
    """For every level the index of each stored value; no level can have more nodes than the constant has values."""
    nodes: Array = np.zeros(1, np.int64)
    found: list[Array] = []
    for level in levels:
        if level.format == DENSE and len(nodes) * int(level.denseSize) > most:
            raise ValueError(f"a sparse constant of {most} values is described as one of {len(nodes) * int(level.denseSize)}")
        parents, nodes, indices = _children(level, nodes)
        found = [f[parents] for f in found] + [indices]
    return found


def _children(level: Any, nodes: Array) -> tuple[Array, Array, Array]:
    """What stands below each node of the level above: the parent's position, the node's own number, its index."""
    if level.format == DENSE:
        size = int(level.denseSize)
        indices = np.tile(np.arange(size), len(nodes))
        parents: Array = np.repeat(np.arange(len(nodes)), size)
        return parents, nodes[parents] * size + indices, indices
    segments, listed = (np.asarray(v.values, np.int64) for v in (level.arraySegments, level.arrayIndices))
    if len(segments) != len(nodes) + 1 or np.any(np.diff(segments) < 0) or segments[0] != 0 or segments[-1] != len(listed):
        raise ValueError(f"a sparse constant of {len(listed)} indices is described as one of {segments.tolist()[-1:]}")
    parents = np.repeat(np.arange(len(nodes)), segments[nodes + 1] - segments[nodes])
    numbers = np.concatenate([np.arange(segments[n], segments[n + 1]) for n in nodes] or [np.zeros(0, np.int64)])
    return parents, numbers, listed[numbers]


def _listed(values: Any) -> Any:
    return () if values is None else values
