"""Damaged files end in a report, never in another exception, whatever the device."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute_plugins.devices.targets import TARGETS
from tests.plugins.devices.cases_artpec7 import compiled, mean, padding, sliced
from tests.plugins.devices.cases_artpec89 import first, residual
from tests.plugins.devices.cases_tflite import attention, island, then
from tests.plugins.devices.holding import Held, report
from tests.plugins.devices.onnx_builder import model

FILES = [
    first(), residual(False), then(island), then(attention), sliced(2), mean([1, 2], (1, 1, 1, 16)), padding([0, 0, 1, 1, 1, 1, 0, 0], (1, 10, 10, 16)),
    compiled(), model(),
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 8))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255))
    return bytes(data)


@settings(max_examples=150, deadline=None)
@given(damaged(), st.sampled_from([t.name for t in TARGETS]))
def test_a_damaged_file_is_reported(data: bytes, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        answer = report(Held(data, target), Path(folder))
        assert answer.target == target and all(f.remedy for f in answer.findings)


def test_an_empty_file_is_no_tflite(tmp_path: Path) -> None:
    answer = report(Held(b"", "artpec8"), tmp_path)
    assert [f.code for f in answer.findings] == ["TFL-001"] and not answer.ok
