"""Live objects through `edgeroute.convert`, in an interpreter of the caller that has the framework; the ONNX one in this interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import onnx
import pytest

from edgeroute import convert, paths
from tests.nets import onnx_nets
from tests.plugins.real_tools import environments

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]


def caller(environment: str, folder: Path) -> Path:
    """A user's interpreter: it has what an environment holds and edgeroute, by reference instead of by a second installation."""
    venv.create(folder / "venv", with_pip=False)
    held = environments().ensure(environment).python
    places = [purelib(held), purelib(Path(sys.executable)), ROOT / "core", ROOT / "plugins", ROOT]
    python = folder / "venv" / "bin" / "python"
    Path(purelib(python), "places.pth").write_text("\n".join(map(str, places)))
    return python


def purelib(python: Path) -> Path:
    """Where an interpreter's packages lie."""
    command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def converted(framework: str, environment: str, folder: Path) -> Any:
    """What `tests.nets.live_convert` tells from inside that interpreter."""
    command = [str(caller(environment, folder)), "-W", "ignore", "-m", "tests.nets.live_convert", framework, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "answer.json").read_text())


def test_a_live_torch_module_is_converted_and_left_as_it_was(tmp_path: Path) -> None:
    said = converted("torch", "litert-torch", tmp_path)
    assert said["untouched"] and not said["imported_by_edgeroute"]
    for name in ("plain", "half", "nested"):
        assert said[name]["status"] == "succeeded" and said[name]["format"] == "tflite" and said[name]["worst"] < 1e-4, said[name]
    assert said["plain"]["inputs"] == [[1, 32, 32, 3]]
    assert said["nested"]["inputs"] == [[1, 8, 8, 3], [1, 6, 6, 1], [1, 5]]
    repeats = Path(said["plain"]["commands"][0].removeprefix("sh ")).read_text(encoding="utf-8")
    assert str(tmp_path / "venv") in repeats, "what the caller's interpreter meets runs in a child of it"


def test_a_live_keras_model_is_converted(tmp_path: Path) -> None:
    said = converted("keras", "tensorflow", tmp_path)
    assert not said["imported_by_edgeroute"]
    assert said["plain"]["status"] == "succeeded" and said["plain"]["worst"] < 1e-4
    assert said["plain"]["route"] == ["keras-savedmodel", "tf-lite"]


def test_a_live_onnx_model_is_converted(tmp_path: Path) -> None:
    onnx_nets.save("classifier", str(tmp_path / "given.onnx"))
    model = onnx.load(str(tmp_path / "given.onnx"))
    before = model.SerializeToString(deterministic=True)
    result = convert(model, "artpec9", out=tmp_path / "net.tflite", input_shapes=(1, 3, 32, 32))
    assert result.status in ("succeeded", "degraded") and (tmp_path / "net.tflite").exists()
    assert model.SerializeToString(deterministic=True) == before and isinstance(model, onnx.ModelProto)
    assert not list((paths.root() / "staging").glob("live*"))
