"""Which operators ai-edge-quantizer leaves in float is known before the run."""

from __future__ import annotations

import pytest

from edgeroute.types import Facts
from edgeroute_plugins.aiedge.options import Options
from edgeroute_plugins.aiedge.preflight import preflight


@pytest.mark.parametrize("name", ["LEAKY_RELU", "RELU6", "RELU_0_TO_1", "PRELU", "ABS", "EXP", "MINIMUM", "ELU", "TILE", "SQUEEZE"])
def test_an_operator_that_stays_float_is_named(name: str) -> None:
    (finding,) = preflight(Facts(operators={"CONV_2D": 3, name: 2}), Options())
    assert name in finding.message and "2×" in finding.message and finding.remedy


def test_a_network_that_it_knows_passes() -> None:
    assert preflight(Facts(operators={"CONV_2D": 3, "HARD_SWISH": 2, "SPLIT": 1, "NEG": 1, "DEQUANTIZE": 4}), Options()) == []
