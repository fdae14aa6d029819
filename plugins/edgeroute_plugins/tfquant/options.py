"""What a user can set on `tf-quantizer`; imported in the worker too, so without the hooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeroute.types import Calibration, option

RANGES = ("minmax", "mse")
"""Kinds of activation ranges."""


@dataclass(frozen=True)
class Options:
    """How a float TFLite file becomes integer."""

    calibration: Calibration | None = option(None, "sample inputs; from --calibrate", fill="calibration")
    border: str = option("uint8", "type of inputs and outputs", choices=("uint8", "int8"))
    ranges: str = option(
        "minmax",
        "activation ranges: what the samples reach, or (mse) what loses least on them; never mse for score outputs",
        choices=RANGES,
    )
    refine: str = option(
        "none",
        "afterwards, fit biases, or weights and biases, layer by layer to the float model, with every kind of ranges; what wins on unseen samples is kept",
        choices=("none", "bias", "weights"),
    )
    per_channel_dense: bool = option(False, "per-channel weights for dense layers too, in the per-channel edge; ARTPEC-9 refuses them")
    samples: int = option(200, "how many calibration samples to use at most; 0: all")
    input_range: tuple[float, float] | None = option(
        None, "what pixels 0 and 255 are at the picture's input: its scale then leaves the byte as it is", fill="input_range"
    )
    memo: Path | None = option(None, "where calibrations are kept for the other edge, target or candidate", fill="memo")
