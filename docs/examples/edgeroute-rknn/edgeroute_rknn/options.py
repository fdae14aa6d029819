"""What a user can set on RKNN's edges; imported in the worker too, so without the hooks."""

from __future__ import annotations

from dataclasses import dataclass

from edgeroute.types import Calibration, option


@dataclass(frozen=True)
class QuantizeOptions:
    """How the toolkit quantizes."""

    calibration: Calibration | None = option(None, "the samples that ranges are measured on", fill="calibration")
    samples: int = option(100, "at most so many of them")
    algorithm: str = option("normal", "how ranges are chosen", choices=("normal", "mmse", "kl_divergence"))
    method: str = option("channel", "one scale per output channel of a weight, or one per layer", choices=("channel", "layer"))
