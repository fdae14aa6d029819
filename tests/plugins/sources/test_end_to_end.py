"""Every kind of source file to a device, as a user's command line does it: real tools, trained networks, verified results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeroute import paths
from tests.nets import SHAPES, data, onnx_nets
from tests.plugins.real_tools import trained

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
SHAPE = "image:" + ",".join(map(str, SHAPES["depthwise"]))
FACTORY = ("--model", "tests.nets.factories:build", "--input-shape", SHAPE)
KERAS = ("keras-savedmodel", "tf-lite")
TORCH = ("torch-export", "litert-torch")


@dataclass(frozen=True)
class Case:
    """A file of the trained networks, what the user says about it, and the converters that it passes."""

    framework: str
    file: str
    words: Sequence[str]
    route: Sequence[str]


CASES = {
    "exported program": Case("torch", "program.pt2", (), TORCH[1:]),
    "exported program, open batch": Case("torch", "open-batch.pt2", ("--input-shape", SHAPE), TORCH[1:]),
    "TorchScript": Case("torch", "traced.pt", ("--trust-pickle", "--input-shape", SHAPE), ("torch-onnx-legacy", "onnxslim", "onnx2tf")),
    "state dict": Case("torch", "depthwise.pth", FACTORY, TORCH),
    "safetensors": Case("torch", "weights.safetensors", FACTORY, TORCH),
    "checkpoint": Case("torch", "checkpoint.pt", FACTORY, TORCH),
    "nested checkpoint of 16-bit weights": Case("torch", "nested.pt", FACTORY, TORCH),
    "pickled module": Case("torch", "module.pt", ("--trust-pickle", "--input-shape", SHAPE), TORCH),
    "Keras 3": Case("keras", "convolutional.keras", (), KERAS),
    "HDF5": Case("keras", "model.h5", (), KERAS),
    "HDF5 of Keras 2": Case("keras", "keras2.h5", (), KERAS),
    "SavedModel": Case("keras", "exported", (), KERAS[1:]),
    "SavedModel, signature by name": Case(
        "keras", "two_signatures", ("--signature", "small", "--input-shape", f"image:1,{data.SIZE},{data.SIZE},3"), KERAS[1:]
    ),
    "frozen graph": Case("keras", "frozen.pb", (), ("graphdef-savedmodel", "tf-lite")),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own, shared by the cases: the same network is translated once."""
    return tmp_path_factory.mktemp("home")


def edgeroute(home: Path, *words: str, code: int = 0) -> Any:
    """`python -m edgeroute … --json` from the repository's folder, where the factory lies, and its object."""
    environment = {**os.environ, "EDGEROUTE_HOME": str(home), "EDGEROUTE_ENVIRONMENTS": str(paths.environments())}
    command = [sys.executable, "-m", "edgeroute", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", CASES)
def test_it_reaches_a_device_and_computes_the_same(home: Path, tmp_path: Path, kind: str) -> None:
    case = CASES[kind]
    source, out = trained(case.framework) / case.file, tmp_path / "net.tflite"
    result = edgeroute(home, "convert", str(source), "--to", "cpu", "--out", str(out), *case.words)
    assert (result["status"], tuple(result["route"])) == ("succeeded", case.route)
    last = result["steps"][-1]["verification"]
    assert last["status"] == "passed" and all(o["relative"] < 1e-4 for o in last["outputs"])
    (*_, final) = edgeroute(home, "inspect", str(out))["facts"]["inputs"]
    assert final["shape"][0] == 1 and None not in final["shape"]


def test_onnx_with_external_data_reaches_an_accelerator_and_is_quantized_again_from_float(home: Path, tmp_path: Path) -> None:
    onnx_nets.save_external(str(tmp_path / "net.onnx"), "weights.bin", 1024)
    words = ("--input-shape", "1,3,32,32", "--out", str(tmp_path / "net.tflite"))
    result = edgeroute(home, "convert", str(tmp_path / "net.onnx"), "--to", "artpec9", *words)
    assert result["artifact"]["format"] == "tflite-int8" and (tmp_path / "net.tflite").exists()


@pytest.mark.parametrize(
    ("file", "words", "code", "remedy"),
    [
        ("module.pt", ("--input-shape", SHAPE), "trust-needed", "--trust-pickle"),
        ("traced.pt", ("--input-shape", SHAPE), "trust-needed", "--trust-pickle"),
        ("depthwise.pth", ("--input-shape", SHAPE), "no-route", "--model"),
        ("depthwise.pth", ("--model", "tests.nets.factories:build"), "shape-open", "--input-shape"),
    ],
)
def test_what_only_the_user_can_say_is_asked_for(
    home: Path, tmp_path: Path, file: str, words: Sequence[str], code: str, remedy: str
) -> None:
    source = str(trained("torch") / file)
    exit_code = {"trust-needed": 10, "no-route": 4, "shape-open": 3}[code]
    said = edgeroute(home, "convert", source, "--to", "cpu", "--out", str(tmp_path / "net.tflite"), *words, code=exit_code)
    assert said["error"]["code"] == code and remedy in said["error"]["remedy"]
    assert not (tmp_path / "net.tflite").exists()
