"""Reasons why ai-edge-quantizer cannot make a file fully integer, from its facts alone."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.aiedge.operators import left_in_float
from edgeroute_plugins.aiedge.options import Options

REMEDIES = {
    "LEAKY_RELU": "spell it as max(x, a·x), or train with ReLU6",
    "RELU6": "let it fuse into the convolution before it, or take tf-quantizer",
    "PRELU": "take tf-quantizer, which quantizes it",
}


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """The operators that would silently stay in float, one finding each."""
    return [
        Finding(
            code="quantizer-leaves-float",
            severity=Severity.ERROR,
            message=f"{name} ({facts.operators[name]}×) would stay in float",
            remedy=REMEDIES.get(name, "take tf-quantizer, which quantizes more operators: --via tf-quantizer"),
            where="ai-edge-quantizer",
        )
        for name in left_in_float(facts.operators)
    ]
