"""The static inputs that a model is converted for: the file's own shapes, with what the user pinned."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence

from edgeroute.errors import SourceError, UsageError
from edgeroute.types import Artifact, Tensor

MOST = 1 << 27
"""Elements of one input above which a shape is taken for a slip of the finger: a picture of 6,689 by 6,689 in three channels."""
SIZE = "SIZE"
"""Stands for a number that only the user knows."""


def resolve(inputs: Sequence[Tensor], pinned: Mapping[str, tuple[int, ...]]) -> tuple[Tensor, ...]:
    """Inputs with every dimension a number: the user's shapes first, then the file's; an open batch becomes 1.

    Raises UsageError for names and ranks that do not fit, SourceError where a dimension stays open.
    """
    shapes = _by_name(inputs, pinned)
    settled = tuple(_static(tensor, shapes.get(tensor.name)) for tensor in inputs)
    still = [tensor for tensor in settled if None in tensor.shape]
    if still:
        raise _open(still)
    return settled


def settled(artifact: Artifact | None, pinned: Mapping[str, tuple[int, ...]]) -> tuple[Tensor, ...]:
    """What a plan knows of a file's inputs: all of them where the user pinned some, as `resolve` has it; nothing where nobody said anything."""
    if artifact is None or not pinned:
        return ()
    told = artifact.facts.inputs or tuple(Tensor(name or "input", shape, "float32") for name, shape in pinned.items())
    return resolve(told, pinned)


def parse(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """`["x:1,3,320,320"]` → `{"x": (1, 3, 320, 320)}`; without a name the key is empty."""
    answer: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, dims = text.rpartition(":")
        try:
            shape = tuple(int(d) for d in dims.replace("x", ",").split(","))
        except ValueError:
            shape = ()
        if not shape or any(d < 1 for d in shape):
            raise UsageError(
                f"--input-shape {text} is not [NAME:]1,3,320,320",
                remedy="write positive whole numbers with commas, for example --input-shape images:1,3,320,320",
                code="bad-shape",
            )
        answer[name] = shape
    return answer


def _by_name(inputs: Sequence[Tensor], pinned: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    names = [t.name for t in inputs]
    answer: dict[str, tuple[int, ...]] = {}
    for name, shape in pinned.items():
        if not name and len(inputs) == 1:
            answer[names[0]] = shape
        elif name in names:
            answer[name] = shape
        else:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            what = f"the model has no input {name}" if name else f"the model has {len(inputs)} inputs, so a shape needs a name"
            raise UsageError(
                what,
                remedy=f"{hint}its inputs: {', '.join(names)}; write --input-shape {names[0] if names else 'NAME'}:1,3,320,320",
                code="unknown-input",
            )
    return answer


def _static(tensor: Tensor, pinned: tuple[int, ...] | None) -> Tensor:
    if pinned is not None:
        if len(pinned) != len(tensor.shape) and tensor.shape:
            raise UsageError(
                f"input {tensor.name} has {len(tensor.shape)} dimensions, not {len(pinned)}",
                remedy=f"write --input-shape {tensor.name}:{_example(tensor)}",
                code="bad-shape",
            )
        if math.prod(pinned) > MOST:
            raise UsageError(
                f"input {tensor.name} as {'x'.join(map(str, pinned))} would hold {math.prod(pinned):,} numbers; {MOST:,} is the most",
                remedy=f"give the size that your application feeds: --input-shape {tensor.name}:{_example(tensor)}",
                code="bad-shape",
            )
        return dataclasses.replace(tensor, shape=pinned)
    return dataclasses.replace(tensor, shape=tuple(1 if i == 0 and d is None else d for i, d in enumerate(tensor.shape)))


def _open(tensors: Sequence[Tensor]) -> SourceError:
    """All inputs that leave a size open, in one answer."""
    told = " and ".join(f"input {t.name} leaves dimensions open: {_show(t)}" for t in tensors)
    options = " ".join(f"--input-shape {t.name}:{_example(t)}" for t in tensors)
    meant = f", with what your application feeds for {SIZE}" if SIZE in options else ""
    return SourceError(told, where=tensors[0].name, remedy=f"add {options}{meant}", code="shape-open")


def _show(tensor: Tensor) -> str:
    return "[" + ", ".join("?" if d is None else str(d) for d in tensor.shape) + "]"


def _example(tensor: Tensor) -> str:
    """A shape to begin with: that of a picture where it may be one; elsewhere the first open size is taken for a batch."""
    if not tensor.shape:
        return "1,3,320,320"
    if len(tensor.shape) == 4:
        guess = {0: 1, 1: 3 if tensor.layout != "NHWC" else 320}
        return ",".join(str(d) if d is not None else str(guess.get(i, 320)) for i, d in enumerate(tensor.shape))
    batch = next((i for i, d in enumerate(tensor.shape) if d in (1, None)), None)
    return ",".join(str(d) if d is not None else "1" if i == batch else SIZE for i, d in enumerate(tensor.shape))
