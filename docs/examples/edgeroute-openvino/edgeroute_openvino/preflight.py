"""Reasons why NNCF cannot take a file, from its facts alone."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_openvino.options import QuantizeOptions


def quantize(facts: Facts, options: QuantizeOptions) -> list[Finding]:
    """Weights that were rounded to float16 already are rounded twice: a warning. Nothing to quantize is an error."""
    if facts.operators and not facts.details.get("heavy_layers", 1):
        return [
            Finding(
                "openvino-nothing-to-quantize",
                Severity.ERROR,
                "the network has neither convolutions nor matrix products",
                "take it in float: --avoid nncf-quantize",
                where="nncf-quantize",
            )
        ]
    return []
