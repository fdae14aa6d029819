"""Which operators ai-edge-quantizer 0.10 makes integer. Everything else silently stays in float."""

from __future__ import annotations

from collections.abc import Iterable

INTEGER = frozenset(
    [
        "ADD",
        "SUB",
        "MUL",
        "DIV",
        "AVERAGE_POOL_2D",
        "MAX_POOL_2D",
        "BATCH_MATMUL",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "FULLY_CONNECTED",
        "GELU",
        "LOGISTIC",
        "MEAN",
        "SUM",
        "RESHAPE",
        "RSQRT",
        "SQRT",
        "SOFTMAX",
        "SPLIT",
        "SLICE",
        "STRIDED_SLICE",
        "TANH",
        "TRANSPOSE",
        "SELECT",
        "SELECT_V2",
        "PAD",
        "PADV2",
        "MIRROR_PAD",
        "SQUARED_DIFFERENCE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "GATHER",
        "GATHER_ND",
        "PACK",
        "UNPACK",
        "BROADCAST_TO",
        "HARD_SWISH",
        "MAXIMUM",
        "REDUCE_MIN",
        "EQUAL",
        "NOT_EQUAL",
        "SPACE_TO_DEPTH",
        "RELU",
        "DYNAMIC_UPDATE_SLICE",
    ]
)
"""Measured on 0.10.0 and read in its policy."""

REWRITTEN = frozenset({"NEG"})
"""Edgeroute spells them in other operators first."""

NO_VALUES = frozenset({"QUANTIZE", "DEQUANTIZE", "SHAPE", "RANGE", "FILL"})
"""They carry shapes or are removed."""


def left_in_float(operators: Iterable[str]) -> list[str]:
    """The operators of a graph that the quantizer would leave in float."""
    return sorted(set(operators) - INTEGER - REWRITTEN - NO_VALUES)
