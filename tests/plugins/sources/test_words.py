"""What only the user can say is asked for before any work: their word, the network's code, its shape, a signature."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute import convert, plan
from edgeroute.errors import EdgerouteError, PlanError

FILES = Path(__file__).with_name("files")


@pytest.mark.parametrize("name", ["module.pt", "checkpoint-module.pt", "script.pt"])
def test_a_file_that_runs_code_is_refused_until_the_user_trusts_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(EdgerouteError) as refused:
        convert(FILES / name, "artpec9", out=tmp_path / "net.tflite", input_shapes=(1, 3, 8, 8))
    assert (refused.value.exit_code, refused.value.code) == (10, "trust-needed")
    assert "--trust-pickle" in refused.value.remedy and not (tmp_path / "net.tflite").exists()


@pytest.mark.parametrize("name", ["state.pt", "state-legacy.pt", "checkpoint.pt", "weights.safetensors"])
def test_weights_ask_for_the_factory_then_for_the_shape(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlanError) as refused:
        convert(FILES / name, "artpec9", out=tmp_path / "net.tflite", input_shapes=(1, 3, 8, 8))
    assert "--model package.module:factory" in refused.value.remedy
    with pytest.raises(EdgerouteError) as refused:
        convert(FILES / name, "artpec9", out=tmp_path / "net.tflite", model="nets:small")
    assert refused.value.code == "shape-open" and "--input-shape" in refused.value.remedy


def test_the_plan_takes_the_same_words() -> None:
    assert plan(FILES / "state.pt", "artpec9", model="nets:small").routes[0].converters[0].name == "torch-export"
    assert plan(FILES / "script.pt", "artpec9", trust_pickle=True).routes[0].converters[0].name == "torch-onnx-legacy"
    with pytest.raises(PlanError):
        plan(FILES / "state.pt", "artpec9")


def test_weights_without_a_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as refused:
        convert(FILES / "only.weights.h5", "artpec9", out=tmp_path / "net.tflite", input_shapes=(1, 8, 8, 3))
    assert "model.save('model.keras')" in refused.value.remedy
