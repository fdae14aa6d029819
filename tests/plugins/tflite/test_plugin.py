"""Recognising TFLite files: which format each one deserves, and what is measured in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeroute.errors import SourceError
from edgeroute.types import Facts, to_json
from edgeroute_plugins.tflite.facts import facts_of
from edgeroute_plugins.tflite.plugin import edgeroute_formats, edgeroute_recognize, edgeroute_runners
from edgeroute_plugins.tflite.promises import fixed, floating, full_integer, per_tensor
from edgeroute_plugins.tflite.reader import parse
from tests.plugins.tflite.flat import code, model, operator, tensor

MODELS = Path(__file__).with_name("models")
CUSTOM, LOGISTIC, DEQUANTIZE = 32, 14, 6


def facts(name: str) -> Facts:
    found = edgeroute_recognize(MODELS / f"{name}.tflite")
    assert found is not None
    return found.facts


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("float", "tflite"),
        ("dynamic-batch", "tflite"),
        ("half", "tflite"),
        ("flex", "tflite"),
        ("nchw", "tflite"),
        ("signatures", "tflite"),
        ("int8-pc", "tflite-int8"),
        ("int8-pt", "tflite-int8-pt"),
        ("float-border", "tflite-mixed"),
        ("island", "tflite-mixed"),
        ("tail", "tflite-mixed"),
        ("int16", "tflite-mixed"),
        ("dynamic-range", "tflite-mixed"),
    ],
)
def test_every_file_gets_the_most_special_format_it_deserves(name: str, format: str) -> None:
    found = edgeroute_recognize(MODELS / f"{name}.tflite")
    assert found is not None and found.format == format
    json.dumps(to_json(found.facts), allow_nan=False)


def test_a_file_compiled_for_the_edge_tpu_is_opaque(tmp_path: Path) -> None:
    made = model([tensor("a", dtype="uint8", scale=(1,)), tensor("b")], [operator(0, [0], [1])], [code(CUSTOM, custom="edgetpu-custom-op")])
    (tmp_path / "x_edgetpu.tflite").write_bytes(made)
    found = edgeroute_recognize(tmp_path / "x_edgetpu.tflite")
    assert found is not None and found.format == "tflite-edgetpu"
    assert found.facts.operators == {"edgetpu-custom-op": 1}


def test_the_suffix_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes((MODELS / "float.tflite").read_bytes())
    found = edgeroute_recognize(tmp_path / "model.onnx")
    assert found is not None and found.format == "tflite"
    (tmp_path / "text.tflite").write_text("this is no model at all")
    assert edgeroute_recognize(tmp_path / "text.tflite") is None
    assert edgeroute_recognize(tmp_path) is None


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    content = (MODELS / "float.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError) as caught:
        edgeroute_recognize(tmp_path / "cut.tflite")
    assert caught.value.code == "tflite-damaged" and "cut.tflite" in str(caught.value)


def test_facts_of_a_float_file() -> None:
    found = facts("float")
    (image,), (scores,) = found.inputs, found.outputs
    assert (image.name, image.shape, image.dtype, image.layout) == ("serving_default_image:0", (1, 8, 8, 3), "float32", "NHWC")
    assert (scores.shape, scores.layout) == ((1, 5), "")
    assert found.operators == {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "MEAN": 1, "FULLY_CONNECTED": 1}
    assert found.details["parameters"] == 3 * 3 * 3 * 4 + 4 + 3 * 3 * 4 + 4 * 5 == 168
    assert found.details["macs"] == 4 * 4 * 4 * 27 + 4 * 4 * 4 * 9 + 4 * 5 == found.details["float_macs"]
    assert found.details["signature"] == "serving_default"
    assert found.details["signatures"]["serving_default"]["inputs"] == {"image": "serving_default_image:0"}
    assert found.details["bytes"] == (MODELS / "float.tflite").stat().st_size


def test_facts_of_quantized_files() -> None:
    channels, whole = facts("int8-pc"), facts("int8-pt")
    assert channels.inputs[0].dtype == "uint8" and len(channels.inputs[0].scale) == 1 and not channels.details["per_tensor"]
    assert channels.details["per_channel"]["count"] == len(channels.details["per_channel"]["names"]) == 5
    assert whole.details["per_tensor"] and whole.details["per_channel"]["count"] == 0
    assert whole.inputs[0].dtype == whole.outputs[0].dtype == "int8"
    assert whole.details["float_operators"] == [] and whole.details["float_macs"] == 0
    assert channels.details["op_versions"]["CONV_2D"] == [3]
    assert channels.details["macs"] == facts("float").details["macs"]


def test_float_operators_are_named_by_place() -> None:
    island = facts("island").details
    (found,) = island["float_islands"]
    assert (found["name"], found["subgraph"]) == ("FLOOR", 0) and found["tensor"]
    assert island["float_operators"] == island["float_islands"] and island["float_tail"] == []
    tail = facts("tail").details
    assert [f["name"] for f in tail["float_tail"]] == ["SIN"] and tail["float_islands"] == []


def test_other_ways_to_be_half_quantized() -> None:
    assert facts("dynamic-range").details["dynamic_range"] and not facts("float").details["dynamic_range"]
    assert facts("int16").details["int16_activations"]
    assert facts("float-border").details["float_borders"] == ["serving_default_image:0", "PartitionedCall:0"]
    assert facts("half").details["fp16_weights"] == 4
    assert facts("flex").details["flex"] == {"FlexErf": 1}


def test_weights_only_quantization_is_not_full_int8() -> None:
    parts = [tensor("x"), tensor("w", dtype="int8", scale=(1,), buffer=1), tensor("f"), tensor("y")]
    made = model(
        parts, [operator(0, [1], [2]), operator(1, [0, 2], [3])], [code(DEQUANTIZE), code(0)], outputs=(3,), buffers=[{}, {0: b"1234"}]
    )
    details = facts_of(parse(made), len(made)).details
    assert details["kind"] == "mixed" and details["dynamic_range"]


def test_the_state_of_an_int8_lstm_may_be_int16() -> None:
    parts = [
        tensor("x", dtype="int8", scale=(1,)),
        tensor("y", dtype="int8", scale=(1,)),
        tensor("cell", dtype="int16", scale=(1,), variable=True),
    ]
    details = facts_of(parse(model(parts, [operator(0, [0, 2], [1])], [code(44)])), 0).details
    assert details["kind"] == "int8" and not details["int16_activations"]


def test_small_integers_without_a_scale_are_not_quantized() -> None:
    parts = [tensor("x", dtype="uint8"), tensor("f"), tensor("y")]
    details = facts_of(
        parse(model(parts, [operator(0, [0], [1]), operator(1, [1], [2])], [code(53), code(LOGISTIC)], outputs=(2,))), 0
    ).details
    assert details["kind"] == "float"


def test_open_dimensions_are_none_and_named() -> None:
    found = facts("dynamic-batch")
    assert found.inputs[0].shape == (None, 8, 8, 3)
    assert found.details["dynamic_dims"][:2] == ["serving_default_image:0", "PartitionedCall:0"]
    assert found.details["dynamic_tensors"] == 5


def test_transposes_at_the_ends_tell_the_layout() -> None:
    found = facts("nchw")
    assert (found.inputs[0].layout, found.outputs[0].layout) == ("NCHW", "NCHW")
    assert found.details["macs"] == 8 * 8 * 2 * 27 + 8 * 8 * 2 * 27


def test_inputs_stand_in_the_signatures_order() -> None:
    found = facts("signatures")
    assert [t.name for t in found.inputs] == ["first_ant:0", "first_zebra:0"]
    assert set(found.details["signatures"]) == {"first", "second"} and found.details["signature"] == "first"
    assert found.details["subgraphs"] == 2 and found.details["macs"] == 8


def test_promises() -> None:
    assert floating(facts("float")) == [] and full_integer(facts("int8-pc")) == [] and per_tensor(facts("int8-pt")) == []
    assert floating(facts("int8-pc")) == ["it is int8, not float"]
    assert fixed(facts("dynamic-batch"))[0] == "serving_default_image:0 has the open shape [?, 8, 8, 3]"
    assert fixed(facts("flex")) == ["FlexErf needs TensorFlow's own kernels"]
    assert "FLOOR (operator" in full_integer(facts("island"))[0]
    assert len(full_integer(facts("float-border"))) == 2
    assert full_integer(facts("int16")) == ["it is mixed, not full int8"]
    assert per_tensor(facts("int8-pc"))[0].startswith("5 tensors have a scale per channel")


def test_every_promise_and_runner_can_be_called_by_name() -> None:
    import importlib

    for format in edgeroute_formats():
        if format.promise:
            module, _, name = format.promise.partition(":")
            assert callable(getattr(importlib.import_module(module), name))
    names = {f.name for f in edgeroute_formats()}
    assert {f for r in edgeroute_runners() for f in r.formats} == names - {"tflite-edgetpu"}
