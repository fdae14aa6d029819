"""What `litert-torch` declares, and what it refuses before anything is built."""

from __future__ import annotations

from edgeroute.codec import from_json
from edgeroute.types import to_json
from edgeroute_plugins.litert_torch import plugin


def test_it_leads_from_programs_to_tflite() -> None:
    (edge,) = plugin.edgeroute_converters()
    assert (edge.source, edge.target, edge.environment) == ("torch-exported", "tflite", "litert-torch")
    assert from_json(edge.options, to_json(edge.options())) == edge.options()
