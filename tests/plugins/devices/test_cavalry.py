"""What CVflow's parser can be given, beyond one file for each rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.devices.cases_cavalry import onnx
from tests.plugins.devices.holding import codes, report


@pytest.mark.parametrize(("shape", "refused"), [((1, 3, 64, 64), False), ((1, 1, 64, 64), True), ((1, 64, 64, 3), True), ((1, 192), True)])
def test_a_picture_has_three_planes(shape: tuple[int, ...], refused: bool, tmp_path: Path) -> None:
    assert ("CV-004" in codes(report(onnx(*shape), tmp_path))) == refused
