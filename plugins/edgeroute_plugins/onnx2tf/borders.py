"""Inputs and outputs on their way through the tool: what they are called, and how their axes may be exchanged."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class Border:
    """One input or output: the user's name, the plain one that stands in the scratch copy, and its shape in ONNX."""

    name: str
    alias: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Scratch:
    """The copy, ready for the tool."""

    path: Path
    inputs: tuple[Border, ...]
    outputs: tuple[Border, ...]
    kept: tuple[str, ...]
    """Aliases of the inputs whose shape must stay."""


def permutation(got: Sequence[int], wanted: Sequence[int]) -> tuple[int, ...] | None:
    """The order of axes that leads from one shape to the other; None where nothing is to be done or nothing helps.

    An image that became channels-last stays so: this is how the device wants it.
    """
    if tuple(got) == tuple(wanted) or len(got) != len(wanted):
        return None
    if len(got) == 4 and tuple(wanted[i] for i in CHANNELS_LAST) == tuple(got):
        return None
    orders = itertools.permutations(range(len(got)))
    return next((order for order in orders if tuple(got[i] for i in order) == tuple(wanted)), None)
