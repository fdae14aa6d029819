"""PyTorch files of every kind through the real exporters: float parity, traps that do not go off, refusals that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nets import NAMES, SHAPES
from tests.plugins import real_tools
from tests.plugins.real_tools import attempt, call, convert, difference, edge, refuse, trained

pytestmark = pytest.mark.real

TOLERANCE = 1e-4
FACTORY = {"model": "tests.nets.factories:build", "input_shapes": {"image": SHAPES["depthwise"]}}


@pytest.fixture(scope="module")
def nets() -> Path:
    return trained("torch")


@pytest.mark.parametrize("name", NAMES)
def test_trained_networks_reach_onnx_by_both_exporters(nets: Path, tmp_path: Path, name: str) -> None:
    program = tmp_path / "net.pt2"
    given = {"model": "tests.nets.factories:build", "model_arguments": {"name": name}, "input_shapes": {"input": SHAPES[name]}}
    facts = convert(edge("torch_onnx", "torch-export", "torch-state"), nets / f"{name}.pth", program, **given)
    assert facts.notes["largest_relative_change"] < TOLERANCE and [t.shape for t in facts.inputs] == [tuple(SHAPES[name])]
    for converter, opset in (("torch-onnx", 18), ("torch-onnx-legacy", 17)):
        out = tmp_path / f"{converter}.onnx"
        facts = convert(edge("torch_onnx", converter, "torch-exported"), program, out)
        assert facts.details["opset"] == opset and all(t.is_static for t in (*facts.inputs, *facts.outputs))
        assert difference(("torch-exported", program), ("onnx", out), tmp_path) < TOLERANCE
        assert [p.name for p in tmp_path.glob("*.data")] == []


@pytest.mark.parametrize(
    ("kind", "file", "options"),
    [
        ("torch-state", "checkpoint.pt", FACTORY),
        ("safetensors", "weights.safetensors", FACTORY),
        ("torch-module", "module.pt", {"trust": True, "input_shapes": {"": SHAPES["depthwise"]}}),
    ],
)
def test_every_way_of_keeping_weights_gives_the_same_program(
    nets: Path, tmp_path: Path, kind: str, file: str, options: dict[str, object]
) -> None:
    convert(edge("torch_onnx", "torch-export", kind), nets / file, tmp_path / "net.pt2", **options)
    assert difference(("torch-exported", nets / "program.pt2"), ("torch-exported", tmp_path / "net.pt2"), tmp_path) == 0


@pytest.mark.parametrize("file", ["traced.pt", "scripted.pt"])
def test_torchscript_goes_through_the_legacy_exporter(nets: Path, tmp_path: Path, file: str) -> None:
    converter = edge("torch_onnx", "torch-onnx-legacy", "torchscript")
    assert refuse(converter, nets / file, tmp_path / "net.onnx", input_shapes={"image": SHAPES["depthwise"]})["code"] == "trust-needed"
    facts = convert(converter, nets / file, tmp_path / "net.onnx", input_shapes={"image": SHAPES["depthwise"]}, trust=True)
    assert [t.name for t in facts.inputs] == ["image"]
    assert difference(("torch-exported", nets / "program.pt2"), ("onnx", tmp_path / "net.onnx"), tmp_path) < TOLERANCE


@pytest.mark.parametrize("file", ["traced.pt", "scripted.pt"])
def test_torchscript_runs_with_the_shapes_that_core_says(nets: Path, tmp_path: Path, file: str) -> None:
    arguments = {"model": str(nets / file), "program": str(nets / "program.pt2"), "shape": SHAPES["depthwise"]}
    said = call("torch", "tests.nets.torch_live:run_script", arguments, tmp_path)
    assert said["untrusted"] == "trust-needed" and said["shape"] == SHAPES["depthwise"] and said["difference"] < TOLERANCE


def test_the_users_names_are_taken_over(nets: Path, tmp_path: Path) -> None:
    for converter in ("torch-onnx", "torch-onnx-legacy"):
        given = {"input_shapes": {"camera": SHAPES["depthwise"]}}
        facts = convert(edge("torch_onnx", converter, "torch-exported"), nets / "program.pt2", tmp_path / f"{converter}.onnx", **given)
        assert [t.name for t in facts.inputs] == ["camera"]
        wrong = {"input_shapes": {"camera": [1, 32, 32, 3]}}
        facts = convert(edge("torch_onnx", converter, "torch-exported"), nets / "program.pt2", tmp_path / f"{converter}-2.onnx", **wrong)
        assert [t.name for t in facts.inputs] == ["image"]


def test_an_open_batch_stays_open_in_onnx(nets: Path, tmp_path: Path) -> None:
    facts = convert(edge("torch_onnx", "torch-onnx", "torch-exported"), nets / "open-batch.pt2", tmp_path / "net.onnx")
    assert facts.inputs[0].shape == (None, 3, 32, 32)
    assert difference(("torch-exported", nets / "program.pt2"), ("onnx", tmp_path / "net.onnx"), tmp_path) < TOLERANCE


@pytest.mark.parametrize(("kind", "code"), [("pickle", "trust-needed"), ("symbol", "trust-needed"), ("guards", "")])
def test_traps_in_programs_do_not_go_off(nets: Path, tmp_path: Path, kind: str, code: str) -> None:
    arguments = {"source": str(nets / "open-batch.pt2"), "out": str(tmp_path / "trap.pt2"), "kind": kind}
    said = call("torch", "tests.nets.torch_traps:outcome", {**arguments, "trust": False}, tmp_path)
    assert said["code"] == code and not said["went_off"]
    assert call("torch", "tests.nets.torch_traps:outcome", {**arguments, "trust": True}, tmp_path)["went_off"], "the trap is a real one"


def test_a_trap_in_a_checkpoint_does_not_go_off(tmp_path: Path) -> None:
    said = call("torch", "tests.nets.torch_traps:pickled", {"out": str(tmp_path / "trap.pt"), "trust": False}, tmp_path)
    assert said["code"] == "trust-needed" and "system" in said["message"] and "--trust-pickle" in said["remedy"] and not said["went_off"]
    assert call("torch", "tests.nets.torch_traps:pickled", {"out": str(tmp_path / "trap.pt"), "trust": True}, tmp_path)["went_off"]


def test_a_pickled_module_is_refused_without_trust(nets: Path, tmp_path: Path) -> None:
    said = refuse(
        edge("torch_onnx", "torch-export", "torch-module"), nets / "module.pt", tmp_path / "net.pt2", input_shapes={"": [1, 3, 32, 32]}
    )
    assert said["exit_code"] == 10 and "--trust-pickle" in said["remedy"]


@pytest.mark.parametrize(
    ("options", "code", "remedy"),
    [
        ({}, "model-factory-needed", "--model"),
        ({"model": "tests.nets.factories:build"}, "input-shape-needed", "--input-shape"),
        ({**FACTORY, "model": "nowhere:build"}, "model-factory-missing", "code_path"),
        ({**FACTORY, "model": "tests.nets.factories:absent"}, "model-factory-missing", "package.module:factory"),
        ({**FACTORY, "model": "tests.nets.factories:broken"}, "model-factory-wrong", "model_arguments"),
        ({**FACTORY, "model": "tests.nets.factories:nothing"}, "model-factory-wrong", "--model"),
        ({**FACTORY, "model_arguments": {"name": "transformer"}}, "torch-state-mismatch", "model_arguments"),
        ({**FACTORY, "input_shapes": {"image": [1, 5, 32, 32]}}, "torch-network-does-not-run", "--input-shape"),
        ({**FACTORY, "state_key": "absent"}, "torch-state-not-found", "state_key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_or_wrong_is_said(nets: Path, tmp_path: Path, options: dict[str, object], code: str, remedy: str) -> None:
    said = refuse(edge("torch_onnx", "torch-export", "torch-state"), nets / "depthwise.pth", tmp_path / "net.pt2", **options)
    assert said["code"] == code and remedy in said["remedy"]


def test_damaged_files_are_named(nets: Path, tmp_path: Path) -> None:
    for file, plugin in (("program.pt2", "torch-onnx"), ("depthwise.pth", "torch-export")):
        broken = tmp_path / file
        broken.write_bytes((nets / file).read_bytes()[:3000])
        kind = "torch-exported" if plugin == "torch-onnx" else "torch-state"
        said = refuse(edge("torch_onnx", plugin, kind), broken, tmp_path / "out", **({} if plugin == "torch-onnx" else FACTORY))
        assert said["exit_code"] == 3 and said["where"] == file


def test_the_source_is_left_as_it_was(nets: Path, tmp_path: Path) -> None:
    before = (nets / "program.pt2").read_bytes()
    attempt(edge("torch_onnx", "torch-onnx", "torch-exported"), nets / "program.pt2", tmp_path / "net.onnx")
    assert (nets / "program.pt2").read_bytes() == before


def test_live_objects_become_files(tmp_path: Path) -> None:
    said = real_tools.call("torch", "tests.nets.torch_live:capture_all", {"folder": str(tmp_path / "live")}, tmp_path)
    assert said["files"] == {"module": "model.pt2", "program": "model.pt2", "script": "model.pt", "names": "model.pt2"}
    assert said["training_kept"] and said["largest_difference"] < TOLERANCE
    assert said["without_inputs"]["code"] == "example-inputs-needed" and "example_inputs=" in said["without_inputs"]["remedy"]
    assert said["untraceable"]["code"] == "torch-export-failed"
    assert said["restless"]["code"] == "torch-export-differs" and "eval()" in said["restless"]["remedy"]
    assert said["misshapen"]["code"] == "torch-network-does-not-run" and "example_inputs" in said["misshapen"]["remedy"]
    assert said["misnamed"]["code"] == "example-inputs-wrong" and "image" in said["misnamed"]["remedy"]
    assert said["wrapped"] == ["model.pt2", "model.pt2"]
