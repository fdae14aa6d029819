"""The examples under docs/examples are strangers' distributions: installed beside edgeroute, they do what ours do; core knows none of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "examples"
DIGITS = ROOT / "examples" / "digits"
EXAMPLES = {
    "edgeroute-openvino": ("openvino-cpu", "openvino-int8"),
    "edgeroute-rknn": ("rk3588", "rknn-rk3588"),
    "edgeroute-executorch": ("executorch-xnnpack", "executorch-int8"),
}
"""Distribution → a target of it, and the format that it delivers there."""
AT_WORK = [pytest.param(name, marks=[pytest.mark.road] if name == "edgeroute-openvino" else []) for name in EXAMPLES]
"""All are at work in `make test-all`; continuous integration affords the smallest one, and everybody's contract."""


def test_every_example_is_here() -> None:
    assert {p.parent.name for p in FOLDER.glob("*/pyproject.toml")} == set(EXAMPLES)


def test_core_and_our_own_plugins_know_none_of_them() -> None:
    names = re.compile(r"openvino|executorch|rknn|rockchip", re.IGNORECASE)
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    assert len(files) > 200
    assert [str(f.relative_to(ROOT)) for f in files if names.search(f.read_text(encoding="utf-8"))] == []


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh interpreter with edgeroute and all examples."""
    folder = tmp_path_factory.mktemp("strangers") / "venv"
    run([sys.executable, "-m", "venv", folder])
    command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ROOT, "pytest"]
    run([*command, *(FOLDER / name for name in EXAMPLES)])
    return folder / "bin" / "python"


def run(words: list[Any], cwd: Path | None = None) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, env=environ, cwd=cwd, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.real
@pytest.mark.road
@pytest.mark.parametrize("name", EXAMPLES)
def test_it_keeps_its_contract(python: Path, name: str) -> None:
    """Without what converts, which `test_it_keeps_its_contract_at_work` adds."""
    said = run([python, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not real", FOLDER / name / "tests"], FOLDER / name)
    assert " passed" in said and "failed" not in said and "skipped" not in said


@pytest.mark.real
@pytest.mark.parametrize("name", AT_WORK)
def test_it_keeps_its_contract_at_work(python: Path, name: str) -> None:
    run([python, "-m", "pytest", "-p", "no:cacheprovider", "-m", "real", FOLDER / name / "tests"], FOLDER / name)


@pytest.mark.real
@pytest.mark.parametrize("name", AT_WORK)
def test_the_digits_are_converted_and_verified(python: Path, name: str, tmp_path: Path) -> None:
    target, delivered = EXAMPLES[name]
    command = [python.parent / "edgeroute", "convert", DIGITS / "digits.onnx", "--to", target, "--out", tmp_path, "--json"]
    said = run([*command, "--calibrate", DIGITS / "calibration", "--preprocess", DIGITS / "preprocess.toml"], tmp_path)
    result = json.loads(said)
    assert (result["status"], result["artifact"]["format"]) == ("succeeded", delivered)
    assert result["fidelity"]["kind"] == "int8" and result["fidelity"]["sqnr_db"] > 20
    assert result["validation"]["target"] == target
    assert Path(result["artifact"]["path"]).is_file() and all(Path(f).is_file() for f in result["artifact"]["files"])
    assert result["steps"][0]["converter"] == "onnxslim", "the examples stand on our own edges"


@pytest.mark.real
@pytest.mark.road
def test_their_rules_are_explained_like_ours(python: Path) -> None:
    for code in ("OV-002", "RK-001", "ET-003"):
        said = json.loads(run([python.parent / "edgeroute", "explain", code, "--json"]))
        assert said["remedy"] and said["source"]
