"""Options of the preparing edges. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from edgeroute.types import Calibration, option


@dataclass(frozen=True)
class PrepareOptions:
    """What `prepare` may do."""

    fold: bool = option(True, "fold batch norms, constant factors, sums and explicit padding into the layers beside them")
    rewrite: bool = option(True, "spell hard-swish, hard-sigmoid, clips and the like in operators that stay int8")
    calibration: Calibration | None = option(None, "sample inputs for the check that nothing changed", fill="calibration")


@dataclass(frozen=True)
class EqualizeOptions:
    """How `equalize` chooses the channels' scales."""

    granularity: str = option("tensor", "what the quantizer will do with weights", choices=("tensor", "channel"))
    samples: int = option(32, "calibration samples to measure activations on")
    steps: int = option(300, "descent steps of the search for scales")
    calibration: Calibration | None = option(None, "sample inputs to measure activations on", fill="calibration")
