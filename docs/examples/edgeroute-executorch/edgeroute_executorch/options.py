"""What a user can set on ExecuTorch's edges; imported in the worker too, so without the hooks."""

from __future__ import annotations

from dataclasses import dataclass

from edgeroute.types import Calibration, option


@dataclass(frozen=True)
class LowerOptions:
    """How a program is lowered."""

    delegate: bool = option(True, "hand what XNNPACK can compute to it; off: portable kernels only, slow and exact")


@dataclass(frozen=True)
class QuantizeOptions:
    """How a program is quantized."""

    calibration: Calibration | None = option(None, "the samples that ranges are measured on", fill="calibration")
    samples: int = option(200, "at most so many of them")
    per_channel: bool = option(True, "one scale per output channel of a weight; off: one per tensor")
