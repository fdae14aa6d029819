"""Keras and TensorFlow files of every kind through the real converters: parity, signatures, quantization, traps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeroute.types import Json
from tests.nets import data
from tests.plugins.real_tools import call, convert, difference, edge, refuse, trained

pytestmark = pytest.mark.real

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def nets() -> Path:
    return trained("keras")


def calibration(folder: Path, **arrays: np.ndarray) -> dict[str, Json]:
    """Samples as core hands them over."""
    (folder / "samples").mkdir()
    for index, array in enumerate(arrays.values()):
        np.save(folder / "samples" / f"{index}.npy", array)
    count = len(next(iter(arrays.values())))
    return {"path": str(folder / "samples"), "names": list(arrays), "count": count, "held_back": 8}


def saved(nets: Path, name: str, tmp_path: Path) -> Path:
    kind = "keras-h5" if name.endswith(".h5") else "keras"
    convert(edge("keras_tf", "keras-savedmodel", kind), nets / name, tmp_path / "saved")
    return tmp_path / "saved"


@pytest.mark.parametrize("name", ["convolutional.keras", "recurrent.keras", "two_headed.keras", "model.h5", "keras2.h5"])
def test_keras_files_reach_tflite_with_static_shapes(nets: Path, tmp_path: Path, name: str) -> None:
    folder = saved(nets, name, tmp_path)
    assert difference(("keras", nets / name), ("savedmodel", folder), tmp_path) < TOLERANCE
    facts = convert(edge("keras_tf", "tf-lite", "savedmodel", "tflite"), folder, tmp_path / "net.tflite")
    assert all(t.is_static and t.shape[0] == 1 for t in (*facts.inputs, *facts.outputs))
    assert difference(("keras", nets / name), ("tflite", tmp_path / "net.tflite"), tmp_path) < TOLERANCE


def test_a_model_of_keras_2_is_loaded_by_keras_2(nets: Path, tmp_path: Path) -> None:
    facts = convert(edge("keras_tf", "keras-savedmodel", "keras-h5"), nets / "keras2.h5", tmp_path / "saved")
    assert facts.notes["loaded_by"] == "tf_keras"
    facts = convert(edge("keras_tf", "keras-savedmodel", "keras-h5"), nets / "model.h5", tmp_path / "saved-3")
    assert facts.notes["loaded_by"] == "keras"


def test_recurrent_layers_are_unrolled(nets: Path, tmp_path: Path) -> None:
    convert(edge("keras_tf", "tf-lite", "savedmodel", "tflite"), saved(nets, "recurrent.keras", tmp_path), tmp_path / "net.tflite")
    operators = call("runtime", "tests.nets.executing:operators", {"model": str(tmp_path / "net.tflite")}, tmp_path)
    assert "WHILE" not in operators and operators["FULLY_CONNECTED"] >= data.STEPS


@pytest.mark.parametrize(("target", "per_channel"), [("tflite-int8", True), ("tflite-int8-pt", False)])
@pytest.mark.parametrize("channels_first", [False, True])
def test_full_integer_files_are_what_they_are_called(
    nets: Path, tmp_path: Path, target: str, per_channel: bool, channels_first: bool
) -> None:
    pictures, _ = data.pictures(40, 5)
    samples = pictures if channels_first else np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    folder = saved(nets, "convolutional.keras", tmp_path)
    given = calibration(tmp_path, image=samples)
    facts = convert(edge("keras_tf", "tf-lite", "savedmodel", target), folder, tmp_path / "net.tflite", calibration=given)
    assert facts.notes["samples"] == 32
    said = call("runtime", "tests.nets.executing:quantization", {"model": str(tmp_path / "net.tflite")}, tmp_path)
    assert said["borders"] == ["uint8", "uint8"] and said["float"] == []
    assert (said["per_channel"]["CONV_2D"] > 0) is per_channel and said["per_channel"]["FULLY_CONNECTED"] == 0
    pictures, labels = data.pictures(60, 9)
    np.savez(tmp_path / "test.npz", pictures=pictures.transpose(0, 2, 3, 1), labels=labels)
    arguments = {"model": str(tmp_path / "net.tflite"), "data": str(tmp_path / "test.npz")}
    assert call("runtime", "tests.nets.executing:accuracy", arguments, tmp_path) > 0.9


def test_quantizing_needs_samples_that_fit(nets: Path, tmp_path: Path) -> None:
    folder, converter = saved(nets, "convolutional.keras", tmp_path), edge("keras_tf", "tf-lite", "savedmodel", "tflite-int8")
    assert refuse(converter, folder, tmp_path / "net.tflite")["code"] == "calibration-needed"
    given = calibration(tmp_path, image=np.zeros((10, 7, 7, 3), np.float32))
    assert refuse(converter, folder, tmp_path / "net.tflite", calibration=given)["code"] == "calibration-mismatch"


def test_signatures_are_chosen_by_name(nets: Path, tmp_path: Path) -> None:
    converter, folder = edge("keras_tf", "tf-lite", "savedmodel", "tflite"), nets / "two_signatures"
    said = refuse(converter, folder, tmp_path / "net.tflite")
    assert "any_size, small" in said["message"] and "--signature any_size" in said["remedy"]
    facts = convert(converter, folder, tmp_path / "small.tflite", signature="small")
    assert [t.shape for t in facts.inputs] == [(1, 32, 32, 3)]
    assert difference(("keras", nets / "convolutional.keras"), ("tflite", tmp_path / "small.tflite"), tmp_path) < TOLERANCE
    said = refuse(converter, folder, tmp_path / "net.tflite", signature="any_size")
    assert said["code"] == "dynamic-shape" and "--input-shape image:1,N,N,3" in said["remedy"]
    facts = convert(converter, folder, tmp_path / "sized.tflite", signature="any_size", input_shapes={"image": [1, 48, 40, 3]})
    assert [(t.shape, t.name) for t in facts.outputs] == [((1, 6), "sizes")] and facts.inputs[0].shape == (1, 48, 40, 3)


def test_what_keras_exports_by_itself_is_pinned_to_batch_1(nets: Path, tmp_path: Path) -> None:
    facts = convert(edge("keras_tf", "tf-lite", "savedmodel", "tflite"), nets / "exported", tmp_path / "net.tflite")
    assert facts.inputs[0].shape == (1, 32, 32, 3)
    operators = call("runtime", "tests.nets.executing:operators", {"model": str(tmp_path / "net.tflite")}, tmp_path)
    assert not {"SHAPE", "STRIDED_SLICE", "PACK"} & set(operators)


def test_a_frozen_graph_becomes_a_savedmodel(nets: Path, tmp_path: Path) -> None:
    converter = edge("keras_tf", "graphdef-savedmodel", "graphdef")
    facts = convert(converter, nets / "frozen.pb", tmp_path / "saved")
    assert [t.name for t in facts.inputs] == ["image"] and facts.inputs[0].shape == (1, 32, 32, 3)
    assert difference(("keras", nets / "convolutional.keras"), ("savedmodel", tmp_path / "saved"), tmp_path) < TOLERANCE
    said = refuse(converter, nets / "frozen.pb", tmp_path / "other", outputs=["absent"])
    assert said["code"] == "graphdef-ends" and "graphdef-savedmodel.outputs=" in said["remedy"]


@pytest.mark.parametrize(("name", "kind"), [("lambda.keras", "keras"), ("lambda.h5", "keras-h5")])
def test_lambda_layers_need_trust(nets: Path, tmp_path: Path, name: str, kind: str) -> None:
    converter = edge("keras_tf", "keras-savedmodel", kind)
    said = refuse(converter, nets / name, tmp_path / "saved")
    assert said["exit_code"] == 10 and "Lambda" in said["message"] and "--trust-pickle" in said["remedy"]
    convert(converter, nets / name, tmp_path / "trusted", trust=True)


def test_a_graph_that_reads_files_needs_trust(nets: Path, tmp_path: Path) -> None:
    said = refuse(edge("keras_tf", "tf-lite", "savedmodel", "tflite"), nets / "reading", tmp_path / "net.tflite")
    assert said["exit_code"] == 10 and "ReadFile" in said["message"]


def test_damaged_files_are_named(nets: Path, tmp_path: Path) -> None:
    for name, kind in (("convolutional.keras", "keras"), ("model.h5", "keras-h5")):
        (tmp_path / name).write_bytes((nets / name).read_bytes()[:2000])
        assert refuse(edge("keras_tf", "keras-savedmodel", kind), tmp_path / name, tmp_path / "saved")["exit_code"] == 3
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "saved_model.pb").write_bytes(b"\x08\x01\xff\xff")
    said = refuse(edge("keras_tf", "tf-lite", "savedmodel", "tflite"), tmp_path / "folder", tmp_path / "net.tflite")
    assert said["code"] == "savedmodel-unreadable"


def test_live_models_become_files(tmp_path: Path) -> None:
    said = call("tensorflow", "tests.nets.keras_live:capture_all", {"folder": str(tmp_path)}, tmp_path)
    assert said == {"keras": "model.keras", "tf_keras": "model.h5"}
