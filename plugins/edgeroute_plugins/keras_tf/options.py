"""What a user can set on the Keras and TensorFlow edges; imported in the worker too, so without the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute.types import Calibration, option

TRUST_VARIABLE = "EDGEROUTE_TRUST_MODEL"
"""Set to 1 by whoever has the user's word and cannot hand options over (a Runner gets nothing but the path)."""
SIGNATURE_VARIABLE = "EDGEROUTE_SIGNATURE"
"""The same for the name of the signature."""


@dataclass(frozen=True)
class KerasOptions:
    """How a Keras model is loaded and its shapes are pinned."""

    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included; an open batch becomes 1 by itself", fill="input_shapes"
    )
    unroll: int = option(64, "recurrent layers over at most this many steps are unrolled: no accelerator runs loops; 0: never")
    trust: bool = option(False, "load Lambda layers and the like, which run code from the file", fill="trust")


@dataclass(frozen=True)
class GraphOptions:
    """Where a frozen graph begins and ends."""

    inputs: tuple[str, ...] = option((), "names of the input nodes; empty: all placeholders")
    outputs: tuple[str, ...] = option((), "names of the output nodes; empty: those that nothing consumes")
    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included; an open batch becomes 1 by itself", fill="input_shapes"
    )
    trust: bool = option(False, "run operators that read or write files", fill="trust")


@dataclass(frozen=True)
class LiteOptions:
    """How a SavedModel becomes a float TFLite file."""

    signature: str = option("", "which signature; empty: serving_default, or the only one", fill="signature")
    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included; an open batch becomes 1 by itself", fill="input_shapes"
    )
    trust: bool = option(False, "run operators that read or write files", fill="trust")


@dataclass(frozen=True)
class QuantizeOptions(LiteOptions):
    """How a SavedModel becomes a full-integer TFLite file."""

    calibration: Calibration | None = option(None, "sample inputs", fill="calibration")
    border: str = option("uint8", "dtype of inputs and outputs", choices=("uint8", "int8", "float32"))
    dense_per_tensor: bool = option(True, "one scale for all weights of a dense layer (artpec9 wants it; convolutions keep theirs)")
