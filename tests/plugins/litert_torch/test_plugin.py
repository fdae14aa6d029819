"""What `litert-torch` declares, and what it refuses before anything is built."""

from __future__ import annotations

import pytest

from edgeroute.codec import from_json
from edgeroute.types import Facts, Tensor, to_json
from edgeroute_plugins.litert_torch import plugin
from edgeroute_plugins.litert_torch.options import Options
from edgeroute_plugins.litert_torch.preflight import preflight


def test_it_leads_from_programs_to_tflite() -> None:
    (edge,) = plugin.edgeroute_converters()
    assert (edge.source, edge.target, edge.environment) == ("torch-exported", "tflite", "litert-torch")
    assert from_json(edge.options, to_json(edge.options())) == edge.options()


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (Facts((Tensor("x", (1, 3, 8, 8), "float32"),), operators={"aten.conv2d.default": 2}), []),
        (Facts(operators={"aten.nonzero.default": 1}), ["torch-data-dependent"]),
        (Facts(operators={"torchvision.nms.default": 1}), ["torch-data-dependent"]),
        (Facts(operators={"aten.special_bessel_j0.default": 1}), ["torch-operator-unsupported"]),
        (Facts((Tensor("x", (1, 3, 8, 8), "float16"),)), ["torch-narrow-floats"]),
    ],
)
def test_what_it_cannot_take_is_known_beforehand(facts: Facts, codes: list[str]) -> None:
    found = preflight(facts, Options())
    assert [f.code for f in found] == codes and all(f.remedy for f in found)
