"""What a user can set on `tf2onnx`; imported in the worker too, so without the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute.types import option

OPSETS = (13, 14, 15, 16, 17, 18)


@dataclass(frozen=True)
class Options:
    """How the ONNX file is written."""

    opset: int = option(17, "ONNX operator set", choices=OPSETS)
    channel_first: str = option("auto", "auto: 4-D float inputs and outputs become NCHW; none: they stay NHWC", choices=("auto", "none"))
    signature: str = option("", "which signature of a SavedModel; empty: serving_default, or the only one", fill="signature")
    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included; an open batch becomes 1 by itself", fill="input_shapes"
    )
    unroll: int = option(64, "recurrent Keras layers over at most this many steps are unrolled; 0: never")
    trust: bool = option(False, "load a model that runs code from the file", fill="trust")
