"""Raw pixels against the training normalisation (TFL-015), and what the camera's preprocessors make."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.types import Preprocess, Severity
from edgeroute_plugins.devices.rules_input import error_of
from edgeroute_plugins.tflite.reader import TensorData
from tests.plugins.devices.cases_tflite import IMAGENET, UNIT, with_input
from tests.plugins.devices.holding import Held, codes, only, report


def tensor(scale: float, zero: int, dtype: str = "uint8") -> TensorData:
    return TensorData(0, "x", (1, 8, 8, 3), (), dtype, (scale,), (zero,))


@given(st.integers(0, 255), st.floats(0.05, 10), st.booleans())
def test_the_arithmetic_of_identity(mean: int, std: float, signed: bool) -> None:
    """q equals the pixel exactly when scale = 1/(255·std) and zero point = 255·mean."""
    preprocess = Preprocess(scale=1 / 255, mean=(mean / 255,), std=(std,), known=True)
    zero, dtype = (mean - 128, "int8") if signed else (mean, "uint8")
    assert error_of(tensor(1 / (255 * std), zero, dtype), preprocess) == 0


@pytest.mark.parametrize(
    ("scale", "zero", "preprocess", "error"),
    [
        (0.0039214836, 0, UNIT, 0),
        (1 / 255, 1, UNIT, 1),
        (1 / 127.5, 127, Preprocess(scale=1 / 127.5, mean=(1.0,), known=True), 1),
        (1 / 127.5, 128, Preprocess(scale=1 / 127.5, mean=(1.0,), known=True), 1),
        (1 / 255, 0, Preprocess(known=True), 254),
        (1.0, 0, Preprocess(known=True), 0),
    ],
)
def test_calibrated_pairs_land_next_to_it(scale: float, zero: int, preprocess: Preprocess, error: int) -> None:
    assert error_of(tensor(scale, zero), preprocess) == error


def test_imagenet_cannot_be_said_with_one_scale(tmp_path: Path) -> None:
    answer = report(Held(with_input(scale=0.0186584, zero=114), "artpec8", {"preprocess": IMAGENET}), tmp_path)
    assert only(answer, "TFL-015").severity == Severity.ERROR
    assert answer.placement["inputs"][0]["max_error"] > 1


def test_off_by_one_is_a_tip(tmp_path: Path) -> None:
    answer = report(Held(with_input(scale=1 / 255, zero=1), "artpec8", {"preprocess": UNIT}), tmp_path)
    assert only(answer, "TFL-015").severity == Severity.TIP


@pytest.mark.parametrize(
    ("scale", "zero", "usual"),
    [(1 / 255, 0, True), (1 / 128, 128, True), (0.0078431, 127, True), (1.0, 0, True), (0.0186, 114, False), (1 / 255, 30, False)],
)
def test_without_the_normalisation_usual_pairs_pass(scale: float, zero: int, usual: bool, tmp_path: Path) -> None:
    answer = report(Held(with_input(scale=scale, zero=zero), "artpec8"), tmp_path)
    assert [f.severity for f in answer.findings if f.code == "TFL-015"] == ([] if usual else [Severity.WARNING])


def test_an_unquantized_integer_input_takes_pixels_as_they_are(tmp_path: Path) -> None:
    assert "TFL-015" not in codes(report(Held(with_input(scale=0.0), "artpec8"), tmp_path))


def test_a_device_without_a_camera_feeds_what_it_likes(tmp_path: Path) -> None:
    assert "TFL-015" not in codes(report(Held(with_input(scale=0.3, zero=7), "cpu"), tmp_path))


def test_a_vector_is_no_picture(tmp_path: Path) -> None:
    """The head of a network that was cut in two takes [1, 1, 1, 1024]."""
    assert not {"TFL-013", "TFL-014", "TFL-015"} & codes(report(Held(with_input(shape=(1, 1, 1, 1024), scale=0.02), "artpec8"), tmp_path))
    assert "TFL-012" in codes(report(Held(with_input(shape=(2, 1, 1, 1024), scale=0.02), "artpec8"), tmp_path))


def test_larod_makes_rgb_only(tmp_path: Path) -> None:
    bgr = Preprocess(scale=1 / 255, color="bgr", known=True)
    assert "bgr" in only(report(Held(with_input(), "artpec8", {"preprocess": bgr}), tmp_path), "TFL-014").message


def test_after_folding_the_input_is_the_pixel_itself(tmp_path: Path) -> None:
    folded = {"preprocess": IMAGENET, "folded": True}
    assert "TFL-015" not in codes(report(Held(with_input(scale=1.0), "artpec8", folded), tmp_path))
    assert "TFL-015" in codes(report(Held(with_input(scale=1.0), "artpec8", {"preprocess": IMAGENET}), tmp_path))
