"""Keras, SavedModel and TFLite files through the real tf2onnx: parity, channel-first borders, fixed shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins import quantizing
from tests.plugins.real_tools import call, convert, difference, edge, refuse, trained

pytestmark = pytest.mark.real

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def nets() -> Path:
    return trained("keras")


@pytest.mark.parametrize("name", ["convolutional.keras", "recurrent.keras", "two_headed.keras", "model.h5", "keras2.h5"])
def test_keras_files_become_onnx_for_a_camera(nets: Path, tmp_path: Path, name: str) -> None:
    kind = "keras-h5" if name.endswith(".h5") else "keras"
    facts = convert(edge("tf2onnx", "tf2onnx", kind), nets / name, tmp_path / "net.onnx")
    assert facts.details["opset"] == 17 and all(t.is_static and t.shape[0] == 1 for t in (*facts.inputs, *facts.outputs))
    assert all(t.shape[1] == 3 for t in facts.inputs if len(t.shape) == 4), "images are channel-first"
    assert "Transpose" not in facts.operators or name == "keras2.h5", "whose Flatten sees the channels last"
    assert difference(("keras", nets / name), ("onnx", tmp_path / "net.onnx"), tmp_path) < TOLERANCE


def test_names_and_order_stay(nets: Path, tmp_path: Path) -> None:
    facts = convert(edge("tf2onnx", "tf2onnx", "keras"), nets / "two_headed.keras", tmp_path / "net.onnx", opset=13)
    assert [t.name for t in facts.inputs] == ["picture", "extra"] and {t.name for t in facts.outputs} == {"first", "second"}
    assert facts.details["opset"] == 13


def test_savedmodels_and_tflite_files_become_onnx(nets: Path, tmp_path: Path) -> None:
    convert(edge("tf2onnx", "tf2onnx", "savedmodel"), nets / "exported", tmp_path / "saved.onnx")
    assert difference(("keras", nets / "convolutional.keras"), ("onnx", tmp_path / "saved.onnx"), tmp_path) < TOLERANCE
    convert(edge("keras_tf", "tf-lite", "savedmodel", "tflite"), nets / "exported", tmp_path / "net.tflite")
    facts = convert(edge("tf2onnx", "tf2onnx", "tflite"), tmp_path / "net.tflite", tmp_path / "lite.onnx")
    assert [(t.name, t.shape) for t in (*facts.inputs, *facts.outputs)] == [("image", (1, 3, 32, 32)), ("output_0", (1, 6))]
    assert difference(("tflite", tmp_path / "net.tflite"), ("onnx", tmp_path / "lite.onnx"), tmp_path) < TOLERANCE


def test_channels_stay_last_where_asked(nets: Path, tmp_path: Path) -> None:
    facts = convert(edge("tf2onnx", "tf2onnx", "keras"), nets / "convolutional.keras", tmp_path / "net.onnx", channel_first="none")
    assert facts.inputs[0].shape == (1, 32, 32, 3)


def test_an_operator_that_onnx_lacks_is_named(tmp_path: Path) -> None:
    call("tensorflow", "tests.nets.keras_live:save_unloved", {"folder": str(tmp_path / "saved")}, tmp_path)
    said = refuse(edge("tf2onnx", "tf2onnx", "savedmodel"), tmp_path / "saved", tmp_path / "net.onnx")
    assert said["exit_code"] == 6 and "BesselJ0" in said["message"]
    said = refuse(edge("keras_tf", "tf-lite", "savedmodel", "tflite"), tmp_path / "saved", tmp_path / "net.tflite")
    assert said["code"] == "tflite-operator-missing" and "BesselJ0" in said["message"]


def test_a_pruned_tflite_file_becomes_onnx_with_all_its_zeros(tmp_path: Path) -> None:
    thin, out = tmp_path / "thin.tflite", tmp_path / "out.onnx"
    call(
        "runtime", "tests.plugins.quantizing_inside:thin", {"source": str(quantizing.float_file("classifier")), "out": str(thin)}, tmp_path
    )
    convert(edge("tf2onnx", "tf2onnx", "tflite"), thin, out)
    assert difference(("tflite", thin), ("onnx", out), tmp_path) < TOLERANCE
