"""What a user can set on the two onnx2tf edges; imported in the worker too, so without the hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeroute.types import option


@dataclass(frozen=True)
class Options:
    """How the ONNX graph becomes TFLite operators."""

    keep_inputs: Sequence[str] = option(
        (), "inputs whose shape stays as it is instead of becoming channels-last; empty: those that are channels-last or no image"
    )
    pseudo_operators: Sequence[str] = option(
        (), "operators to spell out in simpler ones: Erf, GeLU, HardSwish, LeakyReLU, PReLU, Power, GatherND, Neg, Abs, …"
    )
    unfold_batchmatmul: bool = option(False, "spell batched matrix products out as single ones")
    unroll_rnn: bool = option(False, "spell recurrent layers out step by step")
    disable_group_convolution: bool = option(False, "spell grouped convolutions out as one convolution per group")
