"""Options of the preparing edges. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute.types import Calibration, Preprocess, option

_SAMPLES = "sample inputs; from --calibrate"


@dataclass(frozen=True)
class PrepareOptions:
    """What `prepare` may do."""

    fold: bool = option(True, "fold batch norms, constant factors, sums and explicit padding into the layers beside them")
    rewrite: bool = option(True, "spell hard-swish, hard-sigmoid, clips and the like in operators that stay int8")
    calibration: Calibration | None = option(None, _SAMPLES, fill="calibration")


@dataclass(frozen=True)
class CameraOptions:
    """What `camera` folds in."""

    preprocess: Preprocess = option(Preprocess(), "what the application does to a picture; from --preprocess", fill="preprocess")


@dataclass(frozen=True)
class CutOptions:
    """Where `cut` ends the network."""

    at: tuple[str, ...] = option((), "tensors that become the outputs; none: what post-processing (non-maximum suppression, …) reads")
    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included; overrides what the file says", fill="input_shapes"
    )
    calibration: Calibration | None = option(None, _SAMPLES, fill="calibration")


@dataclass(frozen=True)
class SplitOptions:
    """Which joined outputs `split-heads` takes apart."""

    ratio: float = option(4.0, "parts whose ranges differ by more than this get outputs of their own")
    at: tuple[str, ...] = option((), "outputs to split at every joint, as NAME:AXIS; none: found by their ranges")
    samples: int = option(16, "calibration samples to measure ranges on")
    calibration: Calibration | None = option(None, _SAMPLES, fill="calibration")


@dataclass(frozen=True)
class EqualizeOptions:
    """How `equalize` chooses the channels' scales."""

    granularity: str = option("tensor", "what the quantizer will do with weights", choices=("tensor", "channel"))
    gates: bool = option(True, "open hard-swish and SiLU, so that their channels can be rescaled too; one depthwise operator each")
    caps: str = option(
        "keep",
        "through ReLU6: rescale no channels (keep), those that stay below 6 (below), or all, with one more operator each, MINIMUM (minimum)",
        choices=("keep", "below", "minimum"),
    )
    fine: float = option(0.0, "share of multiplications that may be added to compute early activations with long tails in two scales")
    samples: int = option(32, "calibration samples to measure activations on")
    steps: int = option(300, "descent steps of the search for scales")
    calibration: Calibration | None = option(None, _SAMPLES, fill="calibration")
