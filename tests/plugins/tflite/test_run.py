"""Real files in the real interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.plugins.devices.builder import Net
from tests.plugins.real_runtime import call
from tests.plugins.tflite.flat import code, model, operator, tensor

MODELS = Path(__file__).with_name("models")
pytestmark = pytest.mark.real


def ask(tmp: Path, function: str, **arguments: Any) -> Any:
    outcome = call(tmp, f"tests.plugins.tflite.live:{function}", arguments)
    assert outcome.status == "ok", outcome
    return outcome.value


@pytest.mark.parametrize(
    "name", ["float", "int8-pc", "int8-pt", "float-border", "island", "tail", "int16", "dynamic-range", "half", "nchw", "dynamic-batch"]
)
def test_files_run_and_repeat_themselves(tmp_path: Path, name: str) -> None:
    found = ask(tmp_path, "answers", model=str(MODELS / f"{name}.tflite"))
    assert found["repeats"] and found["values"][0]


def test_arrays_go_in_and_come_out_in_the_signatures_order(tmp_path: Path) -> None:
    found = ask(tmp_path, "answers", model=str(MODELS / "signatures.tflite"))
    ant, zebra = found["given"]
    named = {
        tuple(round(z - 2 * a, 4) for a, z in zip(ant, zebra, strict=True)),
        tuple(round(z + a, 4) for a, z in zip(ant, zebra, strict=True)),
    }
    assert found["inputs"] == ["first_ant:0", "first_zebra:0"]
    assert {tuple(round(v, 4) for v in values) for values in found["values"]} == named


def test_open_batches_take_what_they_are_given(tmp_path: Path) -> None:
    assert ask(tmp_path, "batch", model=str(MODELS / "dynamic-batch.tflite"), count=3) == [[3, 5], [1, 5]]


def test_refusals_have_a_reason_and_a_remedy(tmp_path: Path) -> None:
    flex = ask(tmp_path, "answers", model=str(MODELS / "flex.tflite"))
    assert flex["code"] == "tflite-unresolved-operator" and "FlexErf" in flex["message"]
    made = model([tensor("a"), tensor("b"), tensor("c", dtype="int8")], [operator(0, [0, 2], [1])], [code(3, version=99)])
    (tmp_path / "broken.tflite").write_bytes(made)
    broken = ask(tmp_path, "answers", model=str(tmp_path / "broken.tflite"))
    assert broken["code"] == "tflite-does-not-load" and broken["remedy"]
    picky = ask(tmp_path, "refusal", model=str(MODELS / "int8-pc.tflite"))
    assert picky["code"] == "tflite-delegate-refuses" and "failed to prepare" in picky["message"]


def hard_sigmoid(constants: bool, twice: bool = False) -> bytes:
    """`clip(a·x + b, 0, 1)` from constants, or of an activation that another one reads as well."""
    net = Net()
    x = net.input((1, 4, 4, 8), "float32", 0.0)
    y = net.plain("MUL", x, net.constant((1,), "float32", fill=2)) if constants else net.plain("TANH", x)
    y = net.plain("ADD", y, net.constant((8,), "float32", fill=-1)) if constants else y
    gate = net.plain("RELU_0_TO_1", y)
    return net.build(*([gate, net.plain("ABS", y)] if twice else [net.plain("MUL", x, gate)]))


@pytest.mark.parametrize(
    ("model", "spelled"),
    [
        (hard_sigmoid(True), ["MUL", "ADD", "MUL", "MUL"]),
        (hard_sigmoid(False), ["TANH", "MUL", "MUL", "MUL"]),
        (hard_sigmoid(True, twice=True), ["MUL", "ADD", "MUL", "MUL", "ABS"]),
    ],
    ids=["folded", "multiplied", "shared"],
)
def test_a_clip_that_no_device_knows_is_spelled_with_relu6(tmp_path: Path, model: bytes, spelled: list[str]) -> None:
    (tmp_path / "model.tflite").write_bytes(model)
    found = ask(tmp_path, "legalized", model=str(tmp_path / "model.tflite"))
    assert found["done"] == {"unit_clips": 1} and found["operators"]["after"] == spelled
    for before, after in zip(found["before"], found["after"], strict=True):
        assert before == pytest.approx(after, abs=1e-6) and len(set(before)) > 2
