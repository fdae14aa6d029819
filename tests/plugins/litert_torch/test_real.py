"""Trained PyTorch networks straight to TFLite: float parity, channel-last borders, order of inputs and outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nets import NAMES, SHAPES
from tests.plugins.real_tools import call, convert, difference, edge, refuse, trained

pytestmark = pytest.mark.real

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def nets() -> Path:
    return trained("torch")


@pytest.mark.parametrize("name", NAMES)
def test_trained_networks_reach_tflite(nets: Path, tmp_path: Path, name: str) -> None:
    program, out = tmp_path / "net.pt2", tmp_path / "net.tflite"
    given = {"model": "tests.nets.factories:build", "model_arguments": {"name": name}, "input_shapes": {"input": SHAPES[name]}}
    convert(edge("torch_onnx", "torch-export", "torch-state"), nets / f"{name}.pth", program, **given)
    facts = convert(edge("litert_torch", "litert-torch", "torch-exported"), program, out)
    (taken,) = facts.inputs
    if name == "recurrent":
        assert (taken.shape, taken.layout) == ((1, 24, 8), "")
    else:
        assert taken.shape[-1] == 3 and taken.layout == "NHWC"
    assert difference(("torch-exported", program), ("tflite", out), tmp_path) < TOLERANCE


def test_a_mean_over_a_picture_costs_no_transpose(nets: Path, tmp_path: Path) -> None:
    facts = convert(edge("litert_torch", "litert-torch", "torch-exported"), nets / "program.pt2", tmp_path / "net.tflite")
    operators = call("runtime", "tests.nets.executing:operators", {"model": str(tmp_path / "net.tflite")}, tmp_path)
    assert facts.notes["means_kept_in_place"] == 1 and operators["MEAN"] == 1 and "TRANSPOSE" not in operators


def test_an_open_batch_becomes_one(nets: Path, tmp_path: Path) -> None:
    facts = convert(edge("litert_torch", "litert-torch", "torch-exported"), nets / "open-batch.pt2", tmp_path / "net.tflite")
    assert [t.shape for t in (*facts.inputs, *facts.outputs)] == [(1, 32, 32, 3), (1, 6)]
    assert difference(("torch-exported", nets / "program.pt2"), ("tflite", tmp_path / "net.tflite"), tmp_path) < TOLERANCE


def test_other_open_dimensions_must_be_said(tmp_path: Path) -> None:
    call("torch", "tests.nets.torch_live:save_open", {"out": str(tmp_path / "net.pt2")}, tmp_path)
    converter = edge("litert_torch", "litert-torch", "torch-exported")
    said = refuse(converter, tmp_path / "net.pt2", tmp_path / "net.tflite")
    assert said["code"] == "torch-dynamic-shapes" and "--input-shape image:" in said["remedy"]
    facts = convert(converter, tmp_path / "net.pt2", tmp_path / "net.tflite", input_shapes={"image": [1, 3, 24, 32]})
    assert [t.shape for t in (*facts.inputs, *facts.outputs)] == [(1, 24, 32, 3), (1, 6)]


def test_several_inputs_and_nested_outputs_keep_their_order(tmp_path: Path) -> None:
    call("torch", "tests.nets.torch_live:save_nested", {"out": str(tmp_path / "net.pt2")}, tmp_path)
    facts = convert(edge("litert_torch", "litert-torch", "torch-exported"), tmp_path / "net.pt2", tmp_path / "net.tflite")
    assert [t.name for t in facts.inputs] == ["zebra", "apple", "middle"]
    assert [t.shape for t in facts.outputs] == [(1, 8, 8, 4), (1, 2), (1, 5)]
    assert difference(("torch-exported", tmp_path / "net.pt2"), ("tflite", tmp_path / "net.tflite"), tmp_path) < TOLERANCE


def test_channels_stay_first_where_asked(nets: Path, tmp_path: Path) -> None:
    facts = convert(
        edge("litert_torch", "litert-torch", "torch-exported"), nets / "program.pt2", tmp_path / "net.tflite", channel_last="none"
    )
    assert facts.inputs[0].shape == (1, 3, 32, 32)
    assert difference(("torch-exported", nets / "program.pt2"), ("tflite", tmp_path / "net.tflite"), tmp_path) < TOLERANCE


def test_an_operator_without_a_lowering_is_named(tmp_path: Path) -> None:
    call("torch", "tests.nets.torch_live:save_unloved", {"out": str(tmp_path / "net.pt2")}, tmp_path)
    said = refuse(edge("litert_torch", "litert-torch", "torch-exported"), tmp_path / "net.pt2", tmp_path / "net.tflite")
    assert said["code"] == "litert-torch-failed" and "special_bessel_j0" in said["message"] and "--via torch-onnx" in said["remedy"]
