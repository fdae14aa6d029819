"""Calibration samples in the order, names and layout that a TFLite model takes; shared by the quantizers. Needs numpy.

The samples are stored as the *source* model takes them (an ONNX file's NCHW, its input names); a converter may have made
the TFLite input channels-last, renamed it or moved it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgeroute.errors import UsageError
from edgeroute.types import Calibration

TO_CHANNELS_LAST = (1, 2, 0)
TO_CHANNELS_FIRST = (2, 0, 1)


@dataclass(frozen=True)
class Slot:
    """One input of the model that is being quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Feed:
    """Which stored array goes into a slot, and how a sample must be turned: `axes` is empty where it fits as it is."""

    slot: Slot
    array: int
    axes: tuple[int, ...] = ()


def samples(calibration: Calibration, slots: Sequence[Slot], limit: int = 0, *, ranges: bool = False) -> Iterator[list[Any]]:
    """One list of arrays per usable sample, in the order of the slots; at most `limit` of them (0: all), one in memory at a time.

    For `ranges`, the samples that are held back follow: what they show must not be clipped.
    """
    import numpy as np

    arrays = [calibration.array(i) for i in range(len(calibration.names))]
    feeds = match(calibration.names, [a.shape[1:] for a in arrays], slots)
    most = calibration.count if ranges else calibration.usable
    count = min(most, limit or most)
    for number in range(count):
        row = []
        for feed in feeds:
            sample = np.asarray(arrays[feed.array][number])
            turned = sample.transpose(feed.axes) if feed.axes else sample
            row.append(_filled(turned, feed.slot))
        yield row


def match(names: Sequence[str], shapes: Sequence[tuple[int, ...]], slots: Sequence[Slot]) -> list[Feed]:
    """Pair stored arrays (sample shapes, without the sample axis) with slots: by name, else by position, else by shape alone.

    Raises UsageError where an input stays without samples that fit.
    """
    if len(names) != len(slots):
        raise _mismatch(f"there are calibration samples for {len(names)} inputs, the model has {len(slots)}", names, slots)
    by_name = {plain(n): i for i, n in enumerate(names)}
    taken: dict[str, int] = {}
    for slot in slots:
        index = by_name.get(plain(slot.name))
        if index is not None and turn(shapes[index], slot.shape) is not None:
            taken[slot.name] = index
    free = [i for i in range(len(names)) if i not in taken.values()]
    for slot in slots:
        if slot.name not in taken:
            fitting = [i for i in free if turn(shapes[i], slot.shape) is not None]
            if not fitting:
                raise _mismatch(f"no calibration samples fit input {slot.name!r} {list(slot.shape)}", names, slots, shapes)
            taken[slot.name] = fitting[0]
            free.remove(fitting[0])
    return [Feed(s, taken[s.name], turn(shapes[taken[s.name]], s.shape) or ()) for s in slots]


def plain(name: str) -> str:
    """A tensor's name without what TensorFlow adds to it: `serving_default_image:0` is `image`."""
    return name.removeprefix("serving_default_").removesuffix(":0")


def turn(sample: Sequence[int], wanted: Sequence[int]) -> tuple[int, ...] | None:
    """The order of a sample's axes that fits an input of this shape (batch included); empty if it fits as it is, None if never."""
    if _squeezed(sample) in (_squeezed(wanted[1:]), _squeezed(wanted)):
        return ()
    if len(sample) == 3 and len(wanted) == 4:
        for axes in (TO_CHANNELS_LAST, TO_CHANNELS_FIRST):
            if tuple(sample[a] for a in axes) == tuple(wanted[1:]):
                return axes
    return None


def _squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(d) for d in shape if d != 1)


def _filled(sample: Any, slot: Slot) -> Any:
    """The sample in the slot's shape and dtype; a batch above one is filled with copies."""
    import numpy as np

    count = int(np.prod(slot.shape, dtype=np.int64))
    whole = sample if sample.size == count else np.broadcast_to(sample.reshape(1, *slot.shape[1:]), slot.shape)
    return np.ascontiguousarray(whole.reshape(slot.shape), dtype=slot.dtype)


def _mismatch(what: str, names: Sequence[str], slots: Sequence[Slot], shapes: Sequence[tuple[int, ...]] = ()) -> UsageError:
    given = ", ".join(f"{n} {list(s)}" for n, s in zip(names, shapes, strict=True)) if shapes else ", ".join(names)
    taken = ", ".join(f"{s.name} {list(s.shape)}" for s in slots)
    return UsageError(
        f"{what} (samples: {given}; inputs: {taken})",
        where="calibration",
        remedy="give --calibrate an .npz whose arrays are called like the model's inputs, samples on the first axis",
        code="calibration-mismatch",
    )
