"""The main road, for real: a trained network that ships with the repository, to every device of the road, in built environments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeroute import paths

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
pytestmark = [pytest.mark.real, pytest.mark.road]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own; the environments are those that a user would have."""
    return tmp_path_factory.mktemp("home")


def run(home: Path, folder: Path, *words: str, code: int = 0) -> Any:
    """`python -m edgeroute … --json` and its object."""
    environment = {**os.environ, "EDGEROUTE_HOME": str(home), "EDGEROUTE_ENVIRONMENTS": str(paths.environments())}
    command = [sys.executable, "-m", "edgeroute", *words, "--json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def digits(home: Path, folder: Path, target: str, *more: str, code: int = 0) -> Any:
    words = ["convert", str(DIGITS / "digits.onnx"), "--to", target, "--out", f"digits.{target}.tflite"]
    data = ["--calibrate", str(DIGITS / "calibration"), "--preprocess", str(DIGITS / "preprocess.toml")]
    return run(home, folder, *words, *data, *more, code=code)


@pytest.mark.parametrize(("target", "kind"), [("artpec9", "tflite-int8"), ("artpec8", "tflite-int8-pt"), ("cpu", "tflite")])
def test_a_trained_network_arrives_verified(home: Path, tmp_path: Path, target: str, kind: str) -> None:
    before = (DIGITS / "digits.onnx").read_bytes()
    result = digits(home, tmp_path, target)
    assert (result["status"], result["artifact"]["format"]) == ("succeeded", kind)
    assert {s["verification"]["status"] for s in result["steps"]} <= {"passed", "degraded"}
    assert all(o["sqnr_db"] > (20 if kind != "tflite" else 90) for o in result["fidelity"]["outputs"])
    assert (tmp_path / f"digits.{target}.tflite").stat().st_size == result["artifact"]["bytes"]
    assert (DIGITS / "digits.onnx").read_bytes() == before
    checked = run(home, tmp_path, "check", f"digits.{target}.tflite", "--to", target, "--preprocess", str(DIGITS / "preprocess.toml"))
    assert checked["ok"]


def test_the_camera_feeds_bytes_as_they_are(home: Path, tmp_path: Path) -> None:
    digits(home, tmp_path, "artpec9")
    (tensor,) = run(home, tmp_path, "inspect", "digits.artpec9.tflite")["facts"]["inputs"]
    assert (tensor["dtype"], tensor["shape"], tensor["zero_point"]) == ("uint8", [1, 32, 32, 3], [0])
    assert tensor["scale"][0] == pytest.approx(1.0) or tensor["scale"][0] == pytest.approx(1 / 255)


def test_what_no_input_scale_can_say_is_folded_into_the_network(home: Path, tmp_path: Path) -> None:
    words = ["convert", str(DIGITS / "digits.onnx"), "--to", "artpec9", "--out", "folded.tflite", "--allow-degraded"]
    result = run(home, tmp_path, *words, "--calibrate", str(DIGITS / "calibration"), "--preprocess", "imagenet", "--color", "bgr")
    assert "camera" in result["route"]
    (tensor,) = run(home, tmp_path, "inspect", "folded.tflite")["facts"]["inputs"]
    assert (tensor["dtype"], tensor["scale"], tensor["zero_point"]) == ("uint8", pytest.approx([1.0]), [0])


def test_the_second_time_no_tool_runs(home: Path, tmp_path: Path) -> None:
    digits(home, tmp_path, "artpec9")
    again = digits(home, tmp_path, "artpec9")
    assert all(s["cached"] for s in again["steps"])


def test_a_second_target_shares_every_step_but_the_last(home: Path, tmp_path: Path) -> None:
    digits(home, tmp_path, "artpec9")
    other = digits(home, tmp_path, "artpec8", "--set", "tf-quantizer.samples=20")
    assert [s["cached"] for s in other["steps"]] == [True] * (len(other["steps"]) - 1) + [False]


def test_a_float_tflite_enters_the_graph_half_way(home: Path, tmp_path: Path) -> None:
    digits(home, tmp_path, "cpu")
    words = ["convert", "digits.cpu.tflite", "--to", "artpec8", "--calibrate", str(DIGITS / "calibration")]
    result = run(home, tmp_path, *words, "--preprocess", str(DIGITS / "preprocess.toml"), "--out", "half.tflite")
    assert result["route"] == ["tf-quantizer"]
    assert result["fidelity"]["sqnr_db"] > 20


def test_the_other_quantizer_and_a_signed_border_on_request(home: Path, tmp_path: Path) -> None:
    result = digits(home, tmp_path, "artpec9", "--via", "ai-edge-quantizer", "--set", "ai-edge-quantizer.border=int8")
    assert result["route"][-1] == "ai-edge-quantizer"
    (tensor,) = run(home, tmp_path, "inspect", "digits.artpec9.tflite")["facts"]["inputs"]
    assert tensor["dtype"] == "int8"


def test_without_pictures_the_result_says_so(home: Path, tmp_path: Path) -> None:
    result = run(home, tmp_path, "convert", str(DIGITS / "digits.onnx"), "--to", "artpec9", "--out", "random.tflite", "--allow-degraded")
    assert result["calibrated"] is False
    codes = [f["code"] for f in result["findings"]]
    assert "uncalibrated" in codes and "random-data" not in codes, "once is enough"


def test_offline_needs_only_what_is_built(home: Path, tmp_path: Path) -> None:
    assert digits(home, tmp_path, "artpec9", "--offline")["status"] == "succeeded"


def test_offline_without_environments_says_what_to_build(tmp_path: Path) -> None:
    environment = {**os.environ, "EDGEROUTE_HOME": str(tmp_path / "empty"), "EDGEROUTE_ENVIRONMENTS": str(tmp_path / "none")}
    command = [sys.executable, "-m", "edgeroute", "convert", str(DIGITS / "digits.onnx"), "--to", "artpec9", "--offline", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (4, 5), done.stderr
    assert "edgeroute env build" in json.loads(done.stdout)["error"]["remedy"]
    assert list(tmp_path.glob("*.tflite")) == []
