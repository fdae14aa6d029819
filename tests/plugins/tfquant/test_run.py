"""TensorFlow's quantizer on real files: integer through and through, in the wanted granularity, close to the float file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute.types import Json
from tests.plugins import quantizing, real_tools

PER_CHANNEL = real_tools.edge("tfquant", "tf-quantizer", "tflite", "tflite-int8")
PER_TENSOR = real_tools.edge("tfquant", "tf-quantizer", "tflite", "tflite-int8-pt")


@pytest.mark.real
def test_per_channel_weights_are_for_convolutions_only(tmp_path: Path) -> None:
    model, facts, out = quantizing.quantize(PER_CHANNEL, "classifier", tmp_path)
    assert quantizing.floats(model) == [] and quantizing.border(model) == {"image": "uint8", "scores": "uint8"}
    assert set(quantizing.per_channel(model)) == {"CONV_2D", "DEPTHWISE_CONV_2D"}
    assert facts.notes["calibration_samples"] == quantizing.SAMPLES
    assert 1.9 < quantizing.input_range(model) < 2.1, "a range holds all samples"
    assert quantizing.sqnr("classifier", out, tmp_path) > 25


@pytest.mark.real
def test_per_tensor_means_one_scale_everywhere(tmp_path: Path) -> None:
    model, _, out = quantizing.quantize(PER_TENSOR, "classifier", tmp_path, border="int8", ranges="mse")
    assert quantizing.floats(model) == [] and quantizing.border(model) == {"image": "int8", "scores": "int8"}
    assert quantizing.per_channel(model) == {}
    assert quantizing.sqnr("classifier", out, tmp_path) > 20


@pytest.mark.real
def test_what_the_tool_stumbles_over_is_put_right_first(tmp_path: Path) -> None:
    model, facts, out = quantizing.quantize(PER_CHANNEL, "stubborn", tmp_path)
    assert quantizing.floats(model) == []
    assert facts.notes["legalized"] == {"zero_pads": 1, "negations": 1, "prelu_slopes": 1, "pad_values": 1}
    assert max(max(t.scale, default=0.0) for t in model.subgraphs[0].tensors) < 1e3, "the padding stretched a range"
    assert quantizing.sqnr("stubborn", out, tmp_path) > 20


@pytest.mark.real
def test_constants_that_leave_their_zeros_out_are_written_out_first(tmp_path: Path) -> None:
    thin, out = tmp_path / "thin.tflite", tmp_path / "out.tflite"
    arguments: dict[str, Json] = {"source": str(quantizing.float_file("classifier")), "out": str(thin)}
    count = real_tools.call("runtime", "tests.plugins.quantizing_inside:thin", arguments, tmp_path)
    samples = quantizing.calibration("classifier", tmp_path / "samples")
    facts = real_tools.convert(PER_CHANNEL, thin, out, calibration=samples)
    assert facts.notes["legalized"] == {"dense_constants": count, "unpacked_half_floats": count}
    assert quantizing.floats(quantizing.reader.read(out)) == []
    assert quantizing.sqnr(thin, out, tmp_path) > 25


@pytest.mark.real
def test_two_inputs_get_their_own_samples(tmp_path: Path) -> None:
    model, _, out = quantizing.quantize(PER_CHANNEL, "two_inputs", tmp_path)
    assert list(quantizing.border(model)) == ["image", "extra", "result"]
    assert quantizing.sqnr("two_inputs", out, tmp_path) > 10


@pytest.mark.real
def test_without_samples_it_says_what_to_type(tmp_path: Path) -> None:
    error = real_tools.refuse(PER_CHANNEL, quantizing.float_file("classifier"), tmp_path / "out.tflite")
    assert error["code"] == "calibration-needed" and "--calibrate" in error["remedy"]


@pytest.mark.real
@pytest.mark.parametrize("name", ["classifier", "stubborn", "two_inputs"])
def test_without_tensorflows_python_the_bytes_are_the_same(name: str, tmp_path: Path) -> None:
    shapes = [[1, *shape[1:], shape[0]] if len(shape) == 3 else [1, *shape] for shape in quantizing.SHAPES[name].values()]
    arguments: dict[str, Json] = {"source": str(quantizing.float_file(name)), "shape": shapes}
    assert real_tools.call("tensorflow", "tests.plugins.tfquant.beside_tensorflow:differences", arguments, tmp_path) == []


@pytest.mark.real
def test_the_other_edge_finds_the_calibration_and_writes_the_same(tmp_path: Path) -> None:
    memo = tmp_path / "memo"
    memo.mkdir()
    quantizing.quantize(PER_CHANNEL, "classifier", tmp_path, ranges="mse", memo=str(memo))
    kept = {p.name: p.stat().st_mtime_ns for p in memo.iterdir()}
    _, facts, shared = quantizing.quantize(PER_TENSOR, "classifier", tmp_path, ranges="mse", memo=str(memo))
    assert len(kept) == 2 and {p.name: p.stat().st_mtime_ns for p in memo.iterdir()} == kept
    (tmp_path / "alone").mkdir()
    _, alone, own = quantizing.quantize(PER_TENSOR, "classifier", tmp_path / "alone", ranges="mse")
    assert shared.read_bytes() == own.read_bytes() and facts.notes == alone.notes


@pytest.mark.real
def test_a_step_imports_a_corner_of_tensorflow_only(tmp_path: Path) -> None:
    arguments: dict[str, Json] = {"source": str(quantizing.float_file("classifier"))}
    count = real_tools.call("tensorflow", "tests.plugins.tfquant.beside_tensorflow:modules", arguments, tmp_path)
    assert isinstance(count, int) and 0 < count < 100


@pytest.mark.real
def test_refining_says_what_came_of_it(tmp_path: Path) -> None:
    model, facts, out = quantizing.quantize(PER_TENSOR, "classifier", tmp_path, refine="weights")
    refined = facts.notes["refined"]
    assert isinstance(refined, dict)
    assert refined["fit"] or refined["reason"] or refined["ranges"] != "minmax"
    assert float(str(refined["after_db"])) >= float(str(refined["before_db"]))
    assert quantizing.floats(model) == [] and quantizing.per_channel(model) == {}
    assert quantizing.sqnr("classifier", out, tmp_path) > 20
