"""What the steps so far have changed at the model's border: what it is fed with, and how its outputs were cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgeroute.types import Json, StepRecord

RAW_PIXELS = "raw_pixels"
"""Note of a step after which the model takes pixels 0..255 as a camera feeds them: its preprocessing is inside."""
GATHERED = ("joined", "splits")
"""Notes of steps that tell how outputs were joined or cut; later steps are measured with all of them."""


@dataclass(frozen=True)
class Chain:
    """The border of the model after some steps."""

    raw_pixels: bool = False
    notes: Mapping[str, Json] = field(default_factory=dict)


NO_STEPS = Chain()


def chain_of(steps: Sequence[StepRecord]) -> Chain:
    """The border after these steps, from what they noted; verification holds them to it."""
    chain = NO_STEPS
    for step in steps:
        chain = after(chain, step.notes)
    return chain


def after(chain: Chain, notes: Mapping[str, Json]) -> Chain:
    """The border after one more step."""
    gathered = {key: [*chain.notes.get(key, []), *notes.get(key, [])] for key in GATHERED if key in chain.notes or key in notes}
    return Chain(chain.raw_pixels or bool(notes.get(RAW_PIXELS)), gathered)
