"""Options of `acap-pack`."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeroute.types import Calibration, Preprocess, option


@dataclass(frozen=True)
class Options:
    """What the container is given."""

    threads: int = option(2, "threads that the runtime uses on the camera")
    calibration: Calibration | None = option(None, "filled in by edgeroute: the first sample is packed as a self-test", fill="calibration")
    preprocess: Preprocess = field(default=Preprocess(), metadata={"help": "filled in by edgeroute", "choices": (), "fill": "preprocess"})
