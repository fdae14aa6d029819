"""What a user can set on OpenVINO's edges; imported in the worker too, so without the hooks."""

from __future__ import annotations

from dataclasses import dataclass

from edgeroute.types import Calibration, option


@dataclass(frozen=True)
class ConvertOptions:
    """How IR is written."""

    compress: bool = option(False, "store the weights as float16: half the size; not exact, and quantization wants the originals")


@dataclass(frozen=True)
class QuantizeOptions:
    """How NNCF quantizes."""

    calibration: Calibration | None = option(None, "the samples that ranges are measured on", fill="calibration")
    samples: int = option(300, "at most so many of them")
    preset: str = option("performance", "performance: symmetric activations; mixed: asymmetric ones", choices=("performance", "mixed"))
    thorough: bool = option(False, "correct the bias layer by layer: slower, sometimes closer")
    model_type: str = option("", "transformer, for networks with attention", choices=("", "transformer"))
