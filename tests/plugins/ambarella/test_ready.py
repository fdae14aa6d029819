"""What is done to ONNX files for CVflow's parser, held against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeroute_plugins.ambarella import ready
from edgeroute_plugins.ambarella.options import ReadyOptions
from edgeroute_plugins.ambarella.preflight import ready as promise
from edgeroute_plugins.onnx.plugin import edgeroute_recognize


def network(opset: int = 17, image: str = "serving_default:0", out: str = "a|b", activation: str = "Relu") -> onnx.ModelProto:
    weights = numpy_helper.from_array(np.random.default_rng(1).standard_normal((4, 3, 3, 3)).astype(np.float32), "w")
    nodes = [helper.make_node("Conv", [image, "w"], ["mid"]), helper.make_node(activation, ["mid"], [out])]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(image, TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, [1, 4, 6, 6])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def answer(file: Path, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {session.get_inputs()[0].name: x})
    return np.asarray(y)


@pytest.mark.parametrize(("opset", "written"), [(11, 17), (13, 13), (17, 17), (18, 17), (20, 17)])
def test_names_and_opset_are_made_plain_and_nothing_else_changes(tmp_path: Path, opset: int, written: int) -> None:
    source, out = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(network(opset), source)
    facts = ready.run(source, out, ReadyOptions())
    assert facts.notes == {"renamed": {"serving_default:0": "serving_default_0", "a|b": "a_b"}, "opset": written} and not facts.findings
    found = edgeroute_recognize(out)
    assert found is not None and promise(found.facts) == []
    x = np.random.default_rng(2).standard_normal((1, 3, 8, 8)).astype(np.float32)
    assert np.allclose(answer(source, x), answer(out, x), atol=1e-6)


def test_weights_beside_the_file_come_into_it(tmp_path: Path) -> None:
    source, out = tmp_path / "in.onnx", tmp_path / "done" / "out.onnx"
    out.parent.mkdir()
    onnx.save(network(), source, save_as_external_data=True, location="in.data", size_threshold=0)
    assert (tmp_path / "in.data").exists()
    ready.run(source, out, ReadyOptions())
    assert [p.name for p in out.parent.iterdir()] == ["out.onnx"]


def test_a_name_that_is_free_only_in_another_spelling(tmp_path: Path) -> None:
    source, out = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(network(image="a b", out="a_b"), source)
    assert ready.run(source, out, ReadyOptions()).notes["renamed"] == {"a b": "a_b_"}


def test_an_opset_that_cannot_be_converted_is_left_and_told(tmp_path: Path) -> None:
    source, out = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(network(20, activation="Gelu"), source)
    facts = ready.run(source, out, ReadyOptions())
    assert facts.notes["opset"] == 20 and [f.code for f in facts.findings] == ["cvflow-opset"]


def test_the_promise_names_what_is_broken(tmp_path: Path) -> None:
    source = tmp_path / "in.onnx"
    onnx.save(network(), source, save_as_external_data=True, location="in.data", size_threshold=0)
    found = edgeroute_recognize(source)
    assert found is not None and len(promise(found.facts)) == 3
