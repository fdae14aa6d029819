"""Build contexts for the camera's CPU: packed, verified by their own code, and run as the container will run them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgeroute import api
from edgeroute.cache import Cache
from edgeroute.catalog import build
from edgeroute.environments import Environments
from edgeroute.errors import PlanError, SourceError, TrustError
from edgeroute.plugins import Plugin, Plugins
from edgeroute.types import ConversionResult, Converter, Environment, Preprocess, Tensor
from edgeroute.workshop import Workshop
from edgeroute_plugins.acap import parts, session, texts
from edgeroute_plugins.acap.context import infer
from edgeroute_plugins.acap.plugin import edgeroute_recognize
from tests.plugins import bench

UNIT = Preprocess(scale=1 / 255, known=True)


def environments() -> list[Environment]:
    """Looser than the containers' pins, so that the interpreter which runs the tests serves."""
    return [Environment(name, ("numpy", "onnxruntime", "pillow")) for name in ("acap-onnxruntime", "runtime")]


def edgeroute_converters() -> list[Converter]:
    return [Converter("pin", "onnx", "onnx-static", "bench:pin")]


def plugin() -> ModuleType:
    real, made = importlib.import_module("edgeroute_plugins.acap.plugin"), ModuleType("bench_acap")
    onnx_only = {"converters": "acap-onnxruntime", "runners": "acap-onnxruntime"}
    for question in ("formats", "targets", "recognize", "converters", "runners"):
        hook = getattr(real, f"edgeroute_{question}")
        wanted = onnx_only.get(question)
        answer = (lambda h, w: lambda: [x for x in h() if x.environment == w])(hook, wanted) if wanted else hook
        setattr(made, f"edgeroute_{question}", answer)
    made.edgeroute_environments = environments  # type: ignore[attr-defined]
    return made


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    home = tmp_path / "home"
    known = [Plugin(n, "loaded", "bench", module=bench.without_runners(n), code=bench.CODE) for n in ("tflite", "sources")]
    known.append(Plugin("onnx", "loaded", "bench", module=importlib.import_module("edgeroute_plugins.onnx.plugin"), code=bench.CODE))
    pinning = ModuleType("bench_pin")
    pinning.edgeroute_converters = edgeroute_converters  # type: ignore[attr-defined]
    own = [Plugin("acap", "loaded", "bench", module=plugin(), code=bench.CODE)]
    found = Plugins([*known, *own, Plugin("pin", "loaded", "bench", module=pinning, code=bench.CODE)])
    catalog = build(found)
    return Workshop(found, catalog, Environments(home / "environments", catalog.environments), Cache(home))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Mean colour of each channel, weighted: a picture decides which output is largest."""
    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32) * 4, "w")
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["scores"]),
    ]
    image, scores = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("image", [1, 3, 16, 24]), ("scores", [1, 3])))
    file = tmp_path / "colour.onnx"
    onnx.save(
        helper.make_model(
            helper.make_graph(nodes, "g", [image], [scores], [weights]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        ),
        file,
    )
    return file


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for number in range(10):
        Image.fromarray(rng.integers(0, 256, (16, 24, 3), np.uint8), "RGB").save(folder / f"{number}.png")
    return folder


def packed(shop: Workshop, model: Path, images: Path) -> ConversionResult:
    out = model.parent / "out" / "colour"
    return api.convert(model, "acap-container", out=out, calibrate=images, preprocess=UNIT, workshop=shop)


def run(context: Path, *words: str) -> tuple[int, dict[str, object]]:
    done = subprocess.run([sys.executable, "-B", str(context / "infer.py"), *words], capture_output=True, text=True, check=False, cwd="/")
    return done.returncode, json.loads(done.stdout)


def test_a_context_is_verified_by_its_own_code(shop: Workshop, model: Path, images: Path) -> None:
    result = packed(shop, model, images)
    assert (result.status, result.route) == ("succeeded", ("pin", "acap-pack"))
    assert result.artifact is not None and result.artifact.format == "acap-onnx"
    assert {p.name for p in result.artifact.path.iterdir()} == {
        "Dockerfile", "requirements.txt", "infer.py", "model", "model.json", "sample", "README.md", ".dockerignore"
    }  # fmt: skip
    assert result.steps[-1].notes["self_test"]["ok"] is True


def test_it_runs_as_the_container_runs_it(shop: Workshop, model: Path, images: Path, tmp_path: Path) -> None:
    artifact = packed(shop, model, images).artifact
    assert artifact is not None
    assert run(artifact.path, "--self-test") == (0, {"ok": True, "largest_relative_difference": 0.0, "tolerance": 1e-3})
    green = tmp_path / "green.jpg"
    Image.new("RGB", (100, 60), (10, 200, 20)).save(green)
    code, told = run(artifact.path, "--image", str(green), "--rounds", "1", "--out", str(tmp_path / "answers.npz"))
    top = told["outputs"][0]["top"]  # type: ignore[index]
    assert code == 0 and top[0][0] == 1 and top[0][1] == pytest.approx(4 * 200 / 255, abs=0.05)
    assert np.load(tmp_path / "answers.npz")["output_0"].shape == (1, 3)


def test_another_answer_fails_the_self_test(shop: Workshop, model: Path, images: Path) -> None:
    artifact = packed(shop, model, images).artifact
    assert artifact is not None
    recorded = artifact.path / "sample" / "output_0.npy"
    np.save(recorded, np.load(recorded) * 1.1)
    code, told = run(artifact.path, "--self-test")
    assert code == 1 and told["ok"] is False


def test_changed_code_is_not_run_here(shop: Workshop, model: Path, images: Path) -> None:
    artifact = packed(shop, model, images).artifact
    assert artifact is not None
    with (artifact.path / "infer.py").open("a") as file:
        file.write("\nraise SystemExit('harm')\n")
    with pytest.raises(TrustError):
        session.load(artifact.path)


def test_a_context_whose_model_is_gone_is_refused(shop: Workshop, model: Path, images: Path) -> None:
    artifact = packed(shop, model, images).artifact
    assert artifact is not None
    (artifact.path / "model" / "model.onnx").unlink()
    with pytest.raises(SourceError):
        edgeroute_recognize(artifact.path)


def test_other_folders_are_not_ours(tmp_path: Path) -> None:
    assert edgeroute_recognize(tmp_path) is None
    (tmp_path / "model.json").write_text('{"schema": "another"}')
    assert edgeroute_recognize(tmp_path) is None


def test_onnx_does_not_go_to_32_bit_arm(shop: Workshop, model: Path) -> None:
    with pytest.raises(PlanError):
        api.convert(model, "acap-container-armv7hf", workshop=shop)


@pytest.mark.parametrize("kind", parts.KINDS, ids=lambda k: k.format)
def test_every_container_pins_what_it_installs(kind: parts.Kind) -> None:
    text = texts.dockerfile(kind)
    assert f"--platform={parts.PLATFORMS[kind.arch]}" in text and "USER app" in text
    assert all("==" in r for r in kind.requirements) and texts.requirements(kind).split() == list(kind.requirements)
    assert ("--no-deps" in text) == bool(kind.debian), "Debian's numpy must not be replaced"


def test_a_readme_says_how_a_picture_becomes_the_input() -> None:
    tensors = (Tensor("x", (1, 3, 8, 8), "float32", "NCHW"),)
    told = texts.readme(parts.KINDS[0], tensors, tensors, UNIT)
    assert "docker build --platform linux/arm64" in told and "x = (pixel * 0.00392156863" in told
    assert "not known" in texts.readme(parts.KINDS[0], tensors, tensors, Preprocess())


def described(**train: object) -> infer.Model:
    """The picture side of a model, without a model."""
    model = infer.Model.__new__(infer.Model)
    tensor = {"name": "x", "dtype": "float32", "shape": [1, 4, 8, 3], "layout": "NHWC", "scale": [], "zero_point": []}
    preprocess = {"scale": 1.0, "mean": [0.0], "std": [1.0], "color": "rgb", "resize": "stretch", **train}
    model.told, model.inputs = {"preprocess": preprocess}, [{**tensor, **train.get("tensor", {})}]  # type: ignore[dict-item]
    return model


@pytest.fixture
def red(tmp_path: Path) -> str:
    file = tmp_path / "red.png"
    Image.new("RGB", (16, 4), (200, 0, 100)).save(file)
    return str(file)


def test_pictures_are_fed_as_in_training(red: str) -> None:
    assert described().picture(red)[0, 0, 0].tolist() == [200, 0, 100]
    assert described(color="bgr").picture(red)[0, 0, 0].tolist() == [100, 0, 200]
    assert described(scale=0.5, mean=[10.0], std=[2.0]).picture(red)[0, 0, 0].tolist() == [45, -5, 20]
    assert described(tensor={"layout": "NCHW", "shape": [1, 3, 4, 8]}).picture(red)[0, :, 0, 0].tolist() == [200, 0, 100]
    assert described(resize="letterbox").picture(red)[0, 0, 0].tolist() == [114, 114, 114]
    quantized = {"dtype": "int8", "scale": [1.0], "zero_point": [-128]}
    assert described(tensor=quantized).picture(red)[0, 0, 0].tolist() == [72, -128, -28]
    assert replace(UNIT, known=False).scale == UNIT.scale


@pytest.mark.real
@pytest.mark.parametrize("kind", [k for k in parts.KINDS if k.source.startswith("tflite")], ids=lambda k: k.format)
def test_tflite_runs_in_the_containers_own_packages(kind: parts.Kind, tmp_path: Path) -> None:
    from tests.plugins.acap.real import check

    check(kind, tmp_path)
