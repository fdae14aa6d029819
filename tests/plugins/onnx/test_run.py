"""Real files in the real runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.nets import onnx_nets
from tests.plugins.onnx.graphs import convolution, graph, model, node, tensor, value, zeros
from tests.plugins.real_runtime import call

pytestmark = pytest.mark.real


def ask(tmp: Path, function: str, **arguments: Any) -> Any:
    outcome = call(tmp, f"tests.plugins.onnx.live:{function}", arguments)
    assert outcome.status == "ok", outcome
    return outcome.value


def test_a_file_runs_and_repeats_itself(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(convolution(batch="N"))
    assert ask(tmp_path, "answers", model=str(tmp_path / "m.onnx")) == {"shapes": [[1, 5]], "repeats": True}


def test_weights_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(convolution(external={"location": "w.data", "length": "432"}))
    missing = ask(tmp_path, "answers", model=str(tmp_path / "m.onnx"))
    assert missing["code"] == "onnx-external-data-missing"
    (tmp_path / "w.data").write_bytes(zeros(108))
    assert ask(tmp_path, "answers", model=str(tmp_path / "m.onnx"))["shapes"] == [[1, 5]]


def test_refusals_have_a_reason_and_a_remedy(tmp_path: Path) -> None:
    for opset, domain, code in ((5, "", "onnx-opset-too-old"), (17, "", "onnx-does-not-load"), (17, "nobody.knows", "onnx-does-not-load")):
        nodes = [node("Mystery", ["x"], ["y"], domain=domain)]
        (tmp_path / "m.onnx").write_bytes(model(graph(nodes, [value("x")], [value("y")]), opset=opset))
        found = ask(tmp_path, "answers", model=str(tmp_path / "m.onnx"))
        assert found["code"] == code and found["remedy"], found


def test_shapes_in_another_file_are_refused_with_the_way_to_bring_them_back(tmp_path: Path) -> None:
    """onnxruntime reads the sizes of a Split from inside the file only."""
    onnx_nets.save_external(str(tmp_path / "m.onnx"), "m.data", 0)
    found = ask(tmp_path, "answers", model=str(tmp_path / "m.onnx"))
    assert found["code"] == "onnx-does-not-load" and "size_threshold=1024" in found["remedy"]
    again = onnx.load(tmp_path / "m.onnx")
    onnx.save(again, tmp_path / "again.onnx", save_as_external_data=True, location="again.data", size_threshold=1024)
    assert ask(tmp_path, "answers", model=str(tmp_path / "again.onnx"))["repeats"]


def test_inspection_infers_the_shapes_that_multiplications_need(tmp_path: Path) -> None:
    weights = [tensor("w", (4, 3, 1, 1)), tensor("v", (2, 4, 1, 1))]
    nodes = [node("Conv", ["x", "w"], ["c"]), node("Conv", ["c", "v"], ["y"])]
    (tmp_path / "m.onnx").write_bytes(model(graph(nodes, [value("x")], [value("y", (1, 2, 8, 8))], weights)))
    found = ask(tmp_path, "measured", model=str(tmp_path / "m.onnx"))
    assert found["details"]["macs"] == 64 * 12 + 64 * 8
    assert [t["name"] for t in found["inputs"]] == ["x"]


def test_a_model_beyond_two_gigabytes(tmp_path: Path) -> None:
    assert ask(tmp_path, "large", folder=str(tmp_path)) == {"files": ["model.data"], "parameters": 1 << 29, "value": 2.0}


def test_a_live_model(tmp_path: Path) -> None:
    assert ask(tmp_path, "captured", folder=str(tmp_path)) == ["onnx", {"Relu": 1}]
