"""What stands beside a file for a camera, and the C header with the same numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute import c_header, sidecar
from edgeroute.sidecar import Border, Deployment
from edgeroute.types import Artifact, ConversionResult, Facts, Preprocess, StepRecord, Target, Tensor, ValidationReport, to_json

TEST, BENCHMARK = "larod-client -g {file} -c {device} -i ''", "larod-client -R 1000 -w 5 -p -c {device} -g {file} -i ''"
CAMERA = Target(
    "artpec8",
    "a camera",
    ("tflite-int8",),
    camera=True,
    devices=("axis-a8-dlpu-tflite", "remote"),
    details={"test": TEST, "benchmark": BENCHMARK},
)
PADDED = Target(
    "cv25", "a camera", ("cavalry-cv25",), camera=True, devices=("cvflow",), details={"test": TEST, "benchmark": BENCHMARK, "row_pitch": 32}
)
PIXELS = Tensor("images", (1, 640, 640, 3), "uint8", "NHWC", (1 / 255,), (0,))
BOXES = Tensor("boxes", (1, 25200, 85), "uint8", "", (0.004246,), (1,))
UNIT = Border(Preprocess(scale=1 / 255, known=True))


def result(facts: Facts, name: str = "yolo.artpec8.tflite", steps: tuple[StepRecord, ...] = ()) -> ConversionResult:
    source = Artifact(Path("/home/me/yolo.onnx"), "onnx", "aa", 1)
    placement = {
        "counts": {"accelerator": 9, "cpu": 1},
        "operators": [{"index": 3, "name": "SOFTMAX", "place": "cpu"}, {"index": 4, "name": "CONV_2D", "place": "accelerator"}],
    }
    validation = ValidationReport("artpec8", Path(name), "tflite-int8", placement=placement)
    return ConversionResult(
        "succeeded", "artpec8", source, Artifact(Path(name), "tflite-int8", "bb", 2, facts), ("onnx2tf",), steps, {"status": "passed"}, (), (), validation
    )  # fmt: skip


def described(*inputs: Tensor, border: Border = UNIT, target: Target = CAMERA, outputs: tuple[Tensor, ...] = (BOXES,)) -> Deployment:
    return sidecar.describe(result(Facts(inputs or (PIXELS,), outputs)), target, border)


def test_an_application_learns_what_larod_does_not_tell() -> None:
    told = described()
    assert (told.device, told.other_devices, told.source["name"]) == ("axis-a8-dlpu-tflite", ("remote",), "yolo.onnx")
    assert told.commands["load"] == "larod-client -g /tmp/yolo.artpec8.tflite -c axis-a8-dlpu-tflite -i ''"
    assert told.commands["time"].startswith("larod-client -R 1000 -w 5 -p -c axis-a8-dlpu-tflite")
    (fed,), (read,) = told.inputs, told.outputs
    assert (fed.arrangement, fed.bytes, fed.pixel_identity, fed.row_pitch) == ("interleaved", 640 * 640 * 3, True, None)
    assert (read.scale, read.zero_point, read.bytes, read.padded_bytes) == (0.004246, 1, 25200 * 85, None)
    assert told.placement["cpu_operators"] == ["3: SOFTMAX"]
    assert "/home/me" not in json.dumps(to_json(told))


@pytest.mark.parametrize(
    ("tensor", "border", "identical"),
    [
        (PIXELS, UNIT, True),
        (PIXELS, Border(), None),
        (PIXELS, Border(Preprocess(mean=(127.5,), std=(127.5,), known=True)), False),
        (Tensor("x", (1, 8, 8, 3), "int8", "NHWC", (1 / 255,), (-128,)), UNIT, True),
        (Tensor("x", (1, 8, 8, 3), "uint8", "NHWC", (1.0,), (0,)), Border(Preprocess(scale=1 / 255, known=True), raw_pixels=True), True),
        (Tensor("x", (1, 8, 8, 3), "float32", "NHWC"), UNIT, False),
        (Tensor("x", (1, 10), "int8", "", (0.1,), (0,)), UNIT, None),
    ],
)
def test_pixel_identity_is_measured_over_all_bytes(tensor: Tensor, border: Border, identical: bool | None) -> None:
    assert described(tensor, border=border).inputs[0].pixel_identity is identical


def test_one_scale_cannot_be_right_for_three_channels() -> None:
    imagenet = Border(Preprocess(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), known=True))
    assert sidecar.identity(PIXELS, imagenet) is False


@pytest.mark.parametrize(
    ("tensor", "border", "words"),
    [
        (PIXELS, UNIT, "feed the bytes of the picture as they are"),
        (Tensor("x", (1, 8, 8, 3), "int8", "NHWC", (1 / 255,), (-128,)), UNIT, "subtract 128"),
        (PIXELS, Border(), "is not known"),
        (PIXELS, Border(Preprocess(mean=(127.5,), std=(127.5,), known=True)), "then feed q = round(x / 0.00392156863) + 0"),
        (Tensor("x", (1, 3, 8, 8), "float32", "NCHW"), UNIT, "feed it as float32"),
        (Tensor("x", (1, 10), "float32"), UNIT, "float32 of shape [1, 10]"),
    ],
)
def test_the_application_is_told_what_to_do_in_words(tensor: Tensor, border: Border, words: str) -> None:
    assert words in " ".join(described(tensor, border=border).preprocessing)


def test_a_compiled_file_takes_its_border_from_the_step_that_compiled_it() -> None:
    fed, read = Tensor("images", (1, 3, 300, 300), "uint8", "NCHW"), Tensor("logits", (1, 1001), "float32")
    step = StepRecord(
        "ambarella",
        "k",
        "onnx-cvflow",
        "cavalry-cv25",
        "passed",
        notes={"device_inputs": [to_json(fed)], "device_outputs": [to_json(read)]},
    )
    told = sidecar.describe(result(Facts(), "net.bin", (step,)), PADDED, UNIT, Facts((PIXELS,), (BOXES,)))
    assert (told.inputs[0].row_pitch, told.inputs[0].arrangement) == (320, "planar")
    assert told.outputs[0].padded_bytes == 32032, "1001 classes, as Axis' manifest for CV25 says"
    assert "every row takes 320 bytes" in " ".join(told.preprocessing)


def test_the_application_gets_a_fragment_for_its_manifest() -> None:
    told = described(PIXELS).manifest
    assert told["schemaVersion"] == "2.2.0" and told["resources"]["linux"] == {"user": {"groups": ["video"]}}
    assert told["acapPackageConf"]["setup"]["runOptions"].endswith(f"-c {described(PIXELS).device}")


def test_a_sidecar_is_read_only_for_its_own_file(tmp_path: Path) -> None:
    file = tmp_path / "yolo.artpec8.tflite"
    assert sidecar.place_of(file).name == "yolo.artpec8.deploy.json" and sidecar.read(file) == {}
    sidecar.place_of(file).write_text(json.dumps(to_json(described())))
    assert sidecar.read(file)["target"] == "artpec8"
    assert sidecar.read(tmp_path / "yolo.artpec8.bin") == {}
    sidecar.place_of(file).write_text("no JSON")
    assert sidecar.read(file) == {}


def defines(text: str) -> dict[str, str]:
    return dict(re.findall(r"^#define (\w+) (.+)$", text, re.MULTILINE))


def test_the_header_has_the_names_of_axis_own_script() -> None:
    told = defines(c_header.render(described()))
    assert (told["MODEL_INPUT_HEIGHT"], told["MODEL_INPUT_WIDTH"]) == ("640", "640")
    assert (told["QUANTIZATION_SCALE"], told["QUANTIZATION_ZERO_POINT"]) == ("0.004246f", "1")
    assert (told["NUM_CLASSES"], told["NUM_DETECTIONS"]) == ("80", "25200")
    assert told["MODEL_OUTPUT_0_SHAPE"] == "{1, 25200, 85}" and told["LAROD_DEVICE"] == '"axis-a8-dlpu-tflite"'


def test_a_float_output_has_no_scale_to_bake_in() -> None:
    told = defines(c_header.render(described(outputs=(Tensor("y", (1, 10), "float32"),))))
    assert "QUANTIZATION_SCALE" not in told and "NUM_CLASSES" not in told and told["MODEL_OUTPUTS"] == "1"


@given(st.text(max_size=40), st.floats(min_value=1e-12, max_value=1e6))
def test_any_name_and_scale_is_one_line_of_c(name: str, scale: float) -> None:
    text = c_header.render(described(Tensor(name, (1, 8, 8, 3), "uint8", "NHWC", (scale,), (3,))))
    line = next(v for n, v in defines(text).items() if n == "MODEL_INPUT_0_NAME")
    assert re.fullmatch(r'"(?:[ !#-\[\]-~]|\\[0-7]{3})*"', line)
    assert float(defines(text)["MODEL_INPUT_0_SCALE"].removesuffix("f")) == scale
