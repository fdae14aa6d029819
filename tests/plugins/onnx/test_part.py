"""A part of a model is a model: it passes the checker and runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.real_runtime import call

pytestmark = pytest.mark.real
CASES = (
    ([0], [["x"], {"c": [1, 4, 6, 6]}, ["Conv"]]),
    ([1], [["c"], {"r": [1, 4, 6, 6]}, ["Relu"]]),
    ([2], [["r"], {"a": [1, 4, 6, 6]}, ["Constant", "Add"]]),
    ([3], [["c", "flag"], {"i": [1, 4, 6, 6]}, ["If"]]),
    ([1, 2], [["c"], {"a": [1, 4, 6, 6]}, ["Constant", "Relu", "Add"]]),
    ([0, 4], [["a", "i", "x"], {"c": [1, 4, 6, 6], "y": [1, 8, 6, 6]}, ["Conv", "Concat"]]),
    ([0, 1, 2, 3, 4], [["flag", "x"], {"y": [1, 8, 6, 6]}, ["Constant", "Conv", "Relu", "Add", "If", "Concat"]]),
)


def test_parts(tmp_path: Path) -> None:
    outcome = call(tmp_path, "tests.plugins.onnx.live_part:parts", {"folder": str(tmp_path), "wanted": [keep for keep, _ in CASES]})
    assert outcome.status == "ok", outcome
    assert outcome.value["names"] == ["Conv conv", "Relu relu", "Add add", "If if", "Concat concat"]
    assert outcome.value["parts"] == [expected for _, expected in CASES]
