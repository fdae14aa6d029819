"""What a user can set on `litert-torch`; imported in the worker too, so without the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute.types import option


@dataclass(frozen=True)
class Options:
    """How the program's borders are laid out."""

    channel_last: str = option(
        "auto",
        "auto: every 4-D float input and output becomes NHWC; none: they stay NCHW; list: those named",
        choices=("auto", "none", "list"),
    )
    channel_last_names: tuple[str, ...] = option((), "inputs and outputs (by the program's names) that become NHWC, with channel_last=list")
    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included, where the program leaves dimensions open", fill="input_shapes"
    )
    trust: bool = option(False, "load a program that may run code", fill="trust")
