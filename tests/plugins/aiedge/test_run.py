"""ai-edge-quantizer on real files: integer border, wanted granularity, ranges that hold every sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins import quantizing, real_tools

PER_CHANNEL = real_tools.edge("aiedge", "ai-edge-quantizer", "tflite", "tflite-int8")
PER_TENSOR = real_tools.edge("aiedge", "ai-edge-quantizer", "tflite", "tflite-int8-pt")


@pytest.mark.real
def test_per_channel_weights_are_for_convolutions_only(tmp_path: Path) -> None:
    model, facts, out = quantizing.quantize(PER_CHANNEL, "classifier", tmp_path)
    assert quantizing.floats(model) == [] and quantizing.border(model) == {"image": "uint8", "scores": "uint8"}
    assert set(quantizing.per_channel(model)) == {"CONV_2D", "DEPTHWISE_CONV_2D"}
    assert facts.notes["calibration_samples"] == quantizing.SAMPLES
    assert 1.9 < quantizing.input_range(model) < 2.1, "a range holds all samples"
    assert quantizing.sqnr("classifier", out, tmp_path) > 25


@pytest.mark.real
@pytest.mark.parametrize("algorithm", ["min_max", "octav", "mse"])
def test_per_tensor_means_one_scale_everywhere(algorithm: str, tmp_path: Path) -> None:
    model, _, out = quantizing.quantize(PER_TENSOR, "classifier", tmp_path, border="int8", algorithm=algorithm)
    assert quantizing.floats(model) == [] and quantizing.border(model) == {"image": "int8", "scores": "int8"}
    assert quantizing.per_channel(model) == {}
    assert quantizing.sqnr("classifier", out, tmp_path) > 20


@pytest.mark.real
def test_two_inputs_get_their_own_samples_and_names_stay(tmp_path: Path) -> None:
    model, _, out = quantizing.quantize(PER_CHANNEL, "two_inputs", tmp_path)
    assert list(quantizing.border(model)) == ["image", "extra", "result"]
    assert [*model.signatures[0].inputs, *model.signatures[0].outputs] == ["image", "extra", "result"]
    assert quantizing.sqnr("two_inputs", out, tmp_path) > 10


@pytest.mark.real
def test_padding_before_a_pooling_does_not_stretch_a_range(tmp_path: Path) -> None:
    model, facts, out = quantizing.quantize(PER_CHANNEL, "stubborn", tmp_path)
    assert quantizing.floats(model) == ["PRELU"]
    assert facts.notes["legalized"] == {"zero_pads": 1, "negations": 1, "pad_values": 1}
    assert max(max(t.scale, default=0.0) for t in model.subgraphs[0].tensors) < 1e3
    assert quantizing.sqnr("stubborn", out, tmp_path) > 20


@pytest.mark.real
def test_weights_stand_inside_the_file(tmp_path: Path) -> None:
    model, _, _ = quantizing.quantize(PER_CHANNEL, "classifier", tmp_path)
    assert not any(t.is_external for t in model.subgraphs[0].tensors)


@pytest.mark.real
def test_without_samples_it_says_what_to_type(tmp_path: Path) -> None:
    error = real_tools.refuse(PER_CHANNEL, quantizing.float_file("classifier"), tmp_path / "out.tflite")
    assert error["code"] == "calibration-needed" and "--calibrate" in error["remedy"]


@pytest.mark.real
def test_a_file_of_an_old_converter_is_brought_up_to_date_first(tmp_path: Path) -> None:
    old = tmp_path / "old.tflite"
    arguments = {"source": str(quantizing.float_file("classifier")), "out": str(old)}
    packed = real_tools.call("ai-edge-quantizer", "tests.plugins.quantizing_inside:age", arguments, tmp_path)
    out, samples = tmp_path / "out.tflite", quantizing.calibration("classifier", tmp_path / "samples")
    facts = real_tools.convert(PER_CHANNEL, old, out, calibration=samples)
    assert facts.notes["legalized"] == {"unpacked_half_floats": packed, "added_signature": 1}
    assert quantizing.floats(quantizing.reader.read(out)) == []
    assert quantizing.sqnr("classifier", out, tmp_path) > 25
