"""Recognising ONNX files, and what is measured in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgeroute.errors import SourceError
from edgeroute.types import Facts, to_json
from edgeroute_plugins.onnx.facts import facts_of
from edgeroute_plugins.onnx.header import parse
from edgeroute_plugins.onnx.plugin import edgeroute_capture, edgeroute_formats, edgeroute_recognize, edgeroute_runners
from edgeroute_plugins.onnx.promises import static
from tests.plugins.onnx.graphs import attribute, convolution, graph, model, node, tensor, value, zeros
from tests.plugins.wire_writer import message

GRAPHDEF = message((1, message((1, "x"), (2, "Placeholder"))), (4, message((1, 1))))
SAVED_MODEL = message((1, 1), (2, message((2, GRAPHDEF))))


def recognise(path: Path, content: bytes) -> Any:
    path.write_bytes(content)
    return edgeroute_recognize(path)


def facts(content: bytes) -> Facts:
    return facts_of(parse(content))


def test_an_onnx_file_is_known_by_its_content(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.bin", "model"):
        found = recognise(tmp_path / name, convolution())
        assert found.format == "onnx" and found.files == ()
        assert found.facts.details["bytes"] == len(convolution())


@pytest.mark.parametrize(
    "content", [GRAPHDEF, SAVED_MODEL, b"PK\3\4", b"\x08\0\x02\x02\x03\0\0\0", b"hello", b"\x08\x00\x00\x00TFL3", b"\x08"]
)
def test_other_files_are_not_ours(tmp_path: Path, content: bytes) -> None:
    assert recognise(tmp_path / "model.pb", content) is None
    assert edgeroute_recognize(tmp_path) is None


def test_a_damaged_file_is_an_error_only_when_it_is_called_onnx(tmp_path: Path) -> None:
    cut = convolution()[:-100]
    with pytest.raises(SourceError) as caught:
        recognise(tmp_path / "model.onnx", cut)
    assert caught.value.code == "onnx-damaged" and "model.onnx" in caught.value.where
    assert recognise(tmp_path / "model.bin", cut) is None


def test_external_data_belongs_to_the_model(tmp_path: Path) -> None:
    (tmp_path / "w.data").write_bytes(zeros(108))
    found = recognise(tmp_path / "model.onnx", convolution(external={"location": "w.data", "length": "432"}))
    assert found.files == (tmp_path / "w.data",)
    assert found.facts.details["external_data"] == ["w.data"]
    assert found.facts.details["parameters"] == 108 + 4 + 1280 and found.facts.details["parameter_bytes"] == 4 * 1392


def test_facts() -> None:
    found = facts(convolution())
    (image,), (scores,) = found.inputs, found.outputs
    assert (image.name, image.shape, image.dtype, image.layout) == ("image", (1, 3, 8, 8), "float32", "NCHW")
    assert (scores.shape, scores.layout) == ((1, 5), "")
    assert found.operators == {"Conv": 1, "Relu": 1, "Flatten": 1, "Gemm": 1}
    assert found.details["macs"] == 4 * 8 * 8 * 27 + 256 * 5
    assert (found.details["opset"], found.details["ir_version"], found.details["producer"]) == (17, 8, "test 1.0")
    assert not found.details["quantized"] and found.details["weight_dtypes"] == {"float32": 3}
    json.dumps(to_json(found))


def test_an_open_batch_counts_as_one() -> None:
    found = facts(convolution(batch="N"))
    assert found.inputs[0].shape == (None, 3, 8, 8) and found.details["macs"] == facts(convolution()).details["macs"]
    assert found.details["dynamic_dims"] == ["image", "scores"] and found.details["open_dimensions"] == ["N"]


def test_multiplications_are_unknown_where_shapes_are() -> None:
    made = model(
        graph(
            [node("Conv", ["x", "w"], ["y"])], [value("x", (1, 3, "h", "w"))], [value("y", (1, 4, "h", "w"))], [tensor("w", (4, 3, 1, 1))]
        )
    )
    assert facts(made).details["macs"] is None


def test_weights_behind_dequantize_are_found() -> None:
    nodes = [
        node("DequantizeLinear", ["wq", "s"], ["w"]),
        node("QuantizeLinear", ["x", "s"], ["xq"]),
        node("DequantizeLinear", ["xq", "s"], ["xd"]),
        node("MatMul", ["xd", "w"], ["y"]),
    ]
    found = facts(model(graph(nodes, [value("x", (1, 6))], [value("y", (1, 2))], [tensor("wq", (6, 2), dtype=3), tensor("s", ())])))
    assert found.details["quantized"] and found.details["macs"] == 12 and found.details["parameters"] == 13


def test_a_transpose_behind_the_input_tells_the_layout() -> None:
    nodes = [
        node("Transpose", ["x"], ["t"], attribute("perm", [0, 3, 1, 2])),
        node("Conv", ["t", "w"], ["c"]),
        node("Relu", ["c"], ["r"]),
        node("Transpose", ["r"], ["y"], attribute("perm", [0, 2, 3, 1])),
    ]
    made = model(
        graph(nodes, [value("x", (1, 9, 9, 9))], [value("y", (1, 9, 9, 9)), value("r", (1, 9, 9, 9))], [tensor("w", (9, 9, 1, 1))])
    )
    found = facts(made)
    assert [t.layout for t in (*found.inputs, *found.outputs)] == ["NHWC", "NHWC", "NCHW"]


def test_a_shape_alone_tells_the_layout_where_the_graph_does_not() -> None:
    shapes = {
        (1, 3, 32, 32): "NCHW",
        (1, 32, 32, 3): "NHWC",
        (1, 7, 7, 85): "NHWC",
        (1, 85, 7, 7): "NCHW",
        (1, 3, 3, 3): "",
        (1, 1, 17, 3): "",
        (2, 5, 6, 7): "",
    }
    for shape, layout in shapes.items():
        made = model(graph([node("Mystery", ["x"], ["y"])], [value("x", shape)], [value("y", (1,))]))
        assert facts(made).inputs[0].layout == layout, shape


def test_the_promise_of_static_files() -> None:
    assert static(facts(convolution())) == []
    assert static(facts(convolution(batch="N"))) == ["image has the open shape [?, 3, 8, 8]", "scores has the open shape [?, 5]"]
    assert static(facts(convolution(batch=4))) == ["image has the batch size 4, not 1"]
    unknown = model(graph([node("Relu", ["x"], ["y"])], [value("x", (1, 2))], [value("y", None)]))
    assert static(facts(unknown)) == ["y has no known shape"]


def test_names_of_formats_promises_and_runners() -> None:
    general, pinned = edgeroute_formats()
    assert (general.name, pinned.name, pinned.is_a, pinned.static) == ("onnx", "onnx-static", "onnx", True)
    assert pinned.promise == "edgeroute_plugins.onnx.promises:static"
    assert edgeroute_runners()[0].formats == ("onnx", "onnx-static")


def live(content: bytes, error: Exception | None = None) -> object:
    def serialize(_: object) -> bytes:
        if error:
            raise error
        return content

    return type("ModelProto", (), {"__module__": "onnx.onnx_ml_pb2", "SerializeToString": serialize})()


def test_a_live_model_is_written(tmp_path: Path) -> None:
    path = edgeroute_capture(live(convolution()), tmp_path, None)
    assert path is not None and path.read_bytes() == convolution()
    assert edgeroute_capture(object(), tmp_path, None) is None
    with pytest.raises(SourceError) as caught:
        edgeroute_capture(live(b"", ValueError("too large")), tmp_path, None)
    assert caught.value.code == "onnx-too-large"
