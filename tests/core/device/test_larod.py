"""What larod-client prints, read as it was published and as anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.device import larod
from edgeroute.types import Severity

PUBLISHED = """2023-12-05T15:47:31.748 Connecting to larod...
2023-12-05T15:47:31.765 Connected
2023-12-05T15:47:57.308 Model mobilenet_v2_1.0_224_quant.tflite loaded
2023-12-05T15:47:57.881 Output written to:
2023-12-05T15:47:57.882 1701787677.out0
2023-12-05T15:47:57.882 Mean execution time for job: 5.60 ms
"""


def test_the_published_time_is_read() -> None:
    assert larod.mean_milliseconds(PUBLISHED) == 5.6
    assert larod.mean_milliseconds("Mean execution time for job: 12 ms") == 12
    assert larod.mean_milliseconds("Model loaded in 5.60 ms") is None
    assert larod.findings(PUBLISHED) == []


REPORTED = {
    "Model contains too many graph partitions (137 > 16) and 68 of the graph partitions can't be run on the device": "A8-001",
    "(-6): Could not load model: Asynchronous connection has been closed": "larod-connection-closed",
    "setupLarod: Unable to load model: Could not load model: Could not allocate tensors": "larod-allocate",
    "Failed model format type check, expected a TFLite model converted to .larod format": "larod-format",
    "Encountered unresolved custom op: edgetpu-custom-op.": "larod-custom-operator",
    "WARNING: Fallback unsupported op 32 to TfLite": "A8-011",
    "sh: larod-client: not found": "larod-missing",
    "ERROR: nobody has seen this": "larod-error",
}


@pytest.mark.parametrize("text", REPORTED)
def test_reported_messages_become_findings_with_a_remedy(text: str) -> None:
    (found,) = larod.findings(text)
    assert found.code == REPORTED[text] and found.remedy and "{" not in found.message + found.remedy


def test_numbers_of_the_message_are_told() -> None:
    (found,) = larod.findings(next(iter(REPORTED)))
    assert "137" in found.message and "16" in found.message and found.severity == Severity.ERROR


def test_a_known_error_is_not_repeated_as_an_unknown_one() -> None:
    assert [f.code for f in larod.findings("ERROR: Could not load model: Could not allocate tensors")] == ["larod-allocate"]


def test_devices_are_told_from_the_words_around_them() -> None:
    text = "Available devices:\n  axis-a8-dlpu-tflite (chip 12)\n  cpu-tflite\n  a9-dlpu-tflite\n  ambarella-cvflow\n  axis-ace-proc\n"
    assert larod.devices(text) == ("axis-a8-dlpu-tflite", "cpu-tflite", "a9-dlpu-tflite", "ambarella-cvflow", "axis-ace-proc")


@given(st.text())
def test_any_text_is_read_without_an_exception(text: str) -> None:
    larod.mean_milliseconds(text)
    larod.devices(text)
    assert all(f.remedy for f in larod.findings(text))
