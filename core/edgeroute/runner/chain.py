"""What the steps so far have changed at the model's border: what it is fed with, and how its outputs were cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgeroute.types import Json, StepRecord

RAW_PIXELS = "raw_pixels"
"""Note of a step after which the model takes pixels 0..255 as a camera feeds them: its preprocessing is inside."""
CUT = "cut"
"""Note of a step that ended the network earlier: `{"outputs": names of the tensors it ends at now}`."""
GATHERED = ("joined", "splits")
"""Notes of steps that tell how outputs were joined or cut; later steps are measured with all of them."""


@dataclass(frozen=True)
class Chain:
    """The border of the model after some steps."""

    raw_pixels: bool = False
    notes: Mapping[str, Json] = field(default_factory=dict)

    @property
    def cut(self) -> tuple[str, ...]:
        """Tensors of the source that the network ends at now; empty where it ends where it did."""
        return tuple(self.notes.get(CUT, ()))


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
    if cut := (notes.get(CUT) or {}).get("outputs") or chain.cut:
        gathered[CUT] = list(cut)
    return Chain(chain.raw_pixels or bool(notes.get(RAW_PIXELS)), gathered)
