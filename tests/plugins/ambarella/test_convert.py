"""Conversions for CV25 and CV75 with stand-ins for the toolchain: compiled here, handed over, and finished."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeroute import api
from edgeroute.errors import CheckFailed, ConverterFailed, EdgerouteError, SourceError
from edgeroute.types import ConversionResult, Preprocess
from edgeroute.workshop import Workshop
from tests.plugins import bench
from tests.plugins.devices.cases_tflite import floating
from tests.plugins.devices.onnx_builder import model as onnx_file

STANDINS = Path(__file__).parent / "standins"
DOCKER = Path(__file__).parents[1] / "standins" / "docker"
UNIT = Preprocess(scale=1 / 255, known=True)
IMAGENET = Preprocess(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), known=True)


@pytest.fixture(autouse=True)
def no_toolchain(monkeypatch: pytest.MonkeyPatch) -> None:
    for chip in ("CV25", "CV75"):
        monkeypatch.delenv(f"EDGEROUTE_AMBARELLA_{chip}", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return bench.workshop(tmp_path / "home")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    for chip in ("cv25", "cv75"):
        monkeypatch.setenv(f"EDGEROUTE_AMBARELLA_{chip.upper()}", str(STANDINS / "env" / f"{chip}.env"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "net.onnx"
    file.write_bytes(onnx_file((1, 3, 64, 96)))
    return file


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve smooth pictures: JPEG keeps them nearly as they are."""
    folder = tmp_path / "images"
    folder.mkdir()
    ramp = np.linspace(0, 255, 64 * 96).reshape(64, 96)
    for number in range(12):
        planes = [np.roll(ramp, 7 * number + shift, axis=1) for shift in (0, 30, 60)]
        Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8), "RGB").save(folder / f"{number}.png")
    return folder


def convert(shop: Workshop, model: Path, images: Path | None, chip: str = "cv25", **more: object) -> ConversionResult:
    asked = {"preprocess": UNIT, **more}
    return api.convert(model, chip, out=model.parent / "out" / "net.bin", calibrate=images, workshop=shop, **asked)  # type: ignore[arg-type]


def of_parser(result: ConversionResult) -> str:
    (words,) = [c for c in result.steps[-1].notes["commands"] if "parser.py" in c]
    return str(words)


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("chip", ["cv25", "cv75"])
def test_with_the_toolchain_the_binary_is_the_chips_own(shop: Workshop, model: Path, images: Path, chip: str) -> None:
    result = convert(shop, model, images, chip)
    assert (result.status, result.route) == ("succeeded", ("pin", "cvflow-ready", "ambarella"))
    assert result.artifact is not None and result.artifact.format == f"cavalry-{chip}"
    assert "parity-before-compile" in {f.code for f in result.findings} and not {"CV-010", "CV-011"} & {f.code for f in result.findings}


@pytest.mark.usefixtures("tools")
def test_the_documented_commands_carry_the_models_names_and_sizes(shop: Workshop, model: Path, images: Path) -> None:
    assert convert(shop, model, images).steps[-1].notes["commands"] == [
        "gen_image_list.py -f images -o images_list.txt -ns -e .jpg -c 0 -d 0,0 -r 64,96 -bf dra_image_bin -bo dra_image_bin/dra_bin_list.txt",
        "onnxparser.py -m model.onnx -isrc 'is:1,3,64,96|iq|idf:0,0,8,0|i:images=dra_image_bin/dra_bin_list.txt' -o model -of out -odst 'o:scores|odf:fp32'",
        "vas -auto -show-progress out/model.vas",
        "cavalry_gen -d vas_output/ -f model_cv25.bin",
    ]


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("preprocess", "flags"),
    [
        (UNIT, "idf:0,0,8,0|i:"),
        (Preprocess(known=True), "idf:0,0,0,0|i:"),
        (Preprocess(mean=(127.5,), std=(127.5,), known=True), "idf:0,0,0,0|im:127.5|ic:127.5|i:"),
        (IMAGENET, "idf:0,0,0,0|im:123.675,116.28,103.53|ic:58.395,57.12,57.375|i:"),
    ],
)
def test_the_flags_make_of_pixels_what_the_network_was_trained_on(
    shop: Workshop, model: Path, images: Path, preprocess: Preprocess, flags: str
) -> None:
    result = convert(shop, model, images, preprocess=preprocess)
    assert flags in of_parser(result)
    assert ("ambarella-per-channel" in {f.code for f in result.findings}) == (preprocess is IMAGENET)


@pytest.mark.usefixtures("tools")
def test_precision_is_forced_on_request(shop: Workshop, model: Path, images: Path) -> None:
    options = {"ambarella": {"activations": "fx16", "coefficients": "fx8", "images": "3"}}
    result = convert(shop, model, images, options=options)
    assert "-c act-force-fx16,coeff-force-fx8" in of_parser(result)
    assert result.steps[-1].notes["calibration"] == {"samples": 3, "pictures": 1}


@pytest.mark.usefixtures("tools")
def test_a_binary_of_the_other_chip_is_refused(shop: Workshop, model: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEROUTE_AMBARELLA_CV25", str(STANDINS / "env" / "cv75.env"))
    with pytest.raises(ConverterFailed) as caught:
        convert(shop, model, images)
    assert caught.value.code == "CV-010" and "cv75" in caught.value.message


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(("mood", "code"), [("operator", "ambarella-operator"), ("licence", "ambarella-licence")])
def test_what_the_toolchain_says_is_told_in_our_words(
    shop: Workshop, model: Path, images: Path, monkeypatch: pytest.MonkeyPatch, mood: str, code: str
) -> None:
    monkeypatch.setenv("AMBA_STANDIN", mood)
    with pytest.raises(ConverterFailed) as caught:
        convert(shop, model, images)
    assert caught.value.code == code


def test_a_command_prefix_and_a_folder_serve_as_well(
    shop: Workshop, model: Path, images: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AMBA_STANDIN_CHIP", "cv25")
    monkeypatch.setenv("EDGEROUTE_AMBARELLA_CV25", str(STANDINS / "bin"))
    assert convert(shop, model, images).status == "succeeded"
    monkeypatch.setenv("EDGEROUTE_AMBARELLA_CV25", f"env PATH={STANDINS / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin")
    result = convert(shop, model, images)
    assert result.status == "succeeded" and not result.steps[-1].cached


def test_the_toolchain_may_live_in_a_container(shop: Workshop, model: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment script is named as it is called inside."""
    monkeypatch.setenv("EDGEROUTE_AMBARELLA_CV25", "docker:vendor/cnngen:2.5")
    monkeypatch.setenv("PATH", f"{DOCKER.parent}:{Path(sys.executable).parent}:/usr/bin:/bin")
    options = {"ambarella": {"env_script": str(STANDINS / "env" / "cv25.env")}}
    assert convert(shop, model, images, options=options).status == "succeeded"


@pytest.mark.usefixtures("tools")
def test_tflite_goes_to_cv25_on_request_only(shop: Workshop, images: Path, tmp_path: Path) -> None:
    model = tmp_path / "float.tflite"
    model.write_bytes(floating())
    with pytest.raises(EdgerouteError):
        convert(shop, model, None)
    result = convert(shop, model, images, via=["ambarella-tflite"])
    assert "tfparser.py -p model.tflite" in of_parser(result) and "is:1,3,8,8|" in of_parser(result)


def test_without_a_word_on_the_training_no_calibration_pictures_are_made_up(shop: Workshop, model: Path, images: Path) -> None:
    with pytest.raises(EdgerouteError) as caught:
        convert(shop, model, images, preprocess=None)
    assert "--preprocess" in caught.value.remedy


@pytest.mark.parametrize(("shape", "code"), [((1, 64, 96, 3), "CV-004"), ((2, 3, 64, 96), "")])
def test_what_the_chip_cannot_take_is_refused_before_the_toolchain(
    shop: Workshop, tmp_path: Path, shape: tuple[int, ...], code: str
) -> None:
    model = tmp_path / "odd.onnx"
    model.write_bytes(onnx_file(shape))
    with pytest.raises(EdgerouteError) as caught:
        convert(shop, model, None)
    assert not code or (isinstance(caught.value, CheckFailed) and caught.value.code == code)


def bundle_of(result: ConversionResult) -> Path:
    assert result.status == "handed-over"
    return Path(result.details["handover"]["bundle"])


def compiled_by_a_colleague(bundle: Path, chip: str) -> Path:
    environ = os.environ | {"ENV_SCRIPT": str(STANDINS / "env" / f"{chip}.env"), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    subprocess.run(["bash", str(bundle / "run.sh")], check=True, capture_output=True, env=environ, cwd="/")
    return bundle / f"model_{chip}.bin"


@pytest.mark.parametrize("chip", ["cv25", "cv75"])
def test_the_round_trip_completes_the_result(shop: Workshop, model: Path, images: Path, chip: str, tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, model, images, chip))
    result = api.finish(bundle, compiled_by_a_colleague(bundle, chip), out=tmp_path / "done.bin", workshop=shop)
    assert (result.status, result.route[-1]) == ("succeeded", "ambarella")
    deploy = json.loads((tmp_path / "done.deploy.json").read_text())
    assert deploy["inputs"][0] | {"name": "images", "dtype": "uint8", "arrangement": "planar", "row_pitch": 96} == deploy["inputs"][0]
    assert deploy["inputs"][0]["pixel_identity"] is True
    assert (deploy["outputs"][0]["dtype"], deploy["outputs"][0]["padded_bytes"]) == ("float32", 8 * 62 * 256)


def test_the_other_chips_file_does_not_finish_a_bundle(shop: Workshop, model: Path, images: Path, tmp_path: Path) -> None:
    bundle = bundle_of(convert(shop, model, images, "cv25"))
    other = tmp_path / "other.bin"
    other.write_bytes(bytes.fromhex("030003008eea5d0eefbeedfe09000000") + bytes(5000))
    with pytest.raises(SourceError) as caught:
        api.finish(bundle, other, workshop=shop)
    assert caught.value.code == "compiled-format" and "cavalry-cv75" in caught.value.message


def test_a_bundle_holds_the_pictures_and_names_them(shop: Workshop, model: Path, images: Path) -> None:
    bundle = bundle_of(convert(shop, model, images))
    pictures = sorted((bundle / "images").iterdir())
    assert len(pictures) == 8, "the four that are held back for measuring are not the compiler's"
    assert "8 calibration samples" in (bundle / "README.md").read_text()
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert {"run.sh", "model.onnx", "images/0000.jpg"} <= manifest["files"].keys()


def test_binaries_are_planar_rgb_and_pictures_become_the_same_bytes(shop: Workshop, model: Path, images: Path, tmp_path: Path) -> None:
    ours = bundle_of(convert(shop, model, images, options={"ambarella": {"calibration_files": "binaries"}}))
    listed = (ours / "dra_image_bin" / "dra_bin_list.txt").read_text().split()
    assert len(listed) == 8 and all((ours / name).stat().st_size == 3 * 64 * 96 for name in listed)
    planes = np.frombuffer((ours / listed[0]).read_bytes(), np.uint8).reshape(3, 64, 96)
    originals = [np.asarray(Image.open(p)).transpose(2, 0, 1) for p in images.iterdir()]
    assert any(np.array_equal(planes, o) for o in originals)
    theirs = bundle_of(convert(shop, model, images))
    compiled_by_a_colleague(theirs, "cv25")
    again = np.frombuffer((theirs / listed[0]).read_bytes(), np.uint8).reshape(3, 64, 96)
    assert np.abs(again.astype(int) - planes).mean() < 3
