"""What `litert-torch` declares, and what it refuses before anything is built."""

from __future__ import annotations

from edgeroute.codec import from_json
from edgeroute.types import Facts, Tensor, to_json
from edgeroute_plugins.litert_torch import plugin
from edgeroute_plugins.litert_torch.options import Options
from edgeroute_plugins.litert_torch.preflight import preflight


def facts(*shape: int | None) -> Facts:
    return Facts(inputs=(Tensor("image", shape, "float32"),))


def test_it_leads_from_programs_to_tflite() -> None:
    (edge,) = plugin.edgeroute_converters()
    assert (edge.source, edge.target, edge.environment) == ("torch-exported", "tflite", "litert-torch")
    assert from_json(edge.options, to_json(edge.options())) == edge.options()


def test_an_open_batch_is_taken_and_other_open_dimensions_must_be_said() -> None:
    assert preflight(facts(None, 3, 8, 8), Options()) == []
    (finding,) = preflight(facts(1, 3, None, 8), Options())
    assert "image" in finding.message and "--input-shape image:" in finding.remedy
    assert preflight(facts(1, 3, None, 8), Options(input_shapes={"image": (1, 3, 8, 8)})) == []
