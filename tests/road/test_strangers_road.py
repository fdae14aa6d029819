"""A stranger's road, for real: edgeroute as a wheel in a fresh interpreter, a new plugin, its conversion, its own tests, and plugins that are bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeroute import paths

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
pytestmark = [pytest.mark.real, pytest.mark.road]
Program = Callable[..., Any]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of the repository, with an interpreter that has edgeroute from a wheel, and a new plugin that is installed from its folder."""
    folder = tmp_path_factory.mktemp("stranger")
    run([sys.executable, "-m", "venv", folder / "venv"], folder)
    pip(folder, "wheel", "--no-deps", "--wheel-dir", folder / "wheels", ROOT)
    (wheel,) = (folder / "wheels").iterdir()
    pip(folder, "install", wheel, "pytest")
    said = run([folder / "venv" / "bin" / "edgeroute", "plugin", "new", "road"], folder)
    assert f"pip install -e {'edgeroute-road'}" in said
    pip(folder, "install", "--editable", "edgeroute-road")
    return folder


@pytest.fixture
def edgeroute(place: Path) -> Program:
    """The installed program in that folder: `--json`, parsed."""
    return lambda *words, **more: json.loads(run([place / "venv" / "bin" / "edgeroute", *words, "--json"], place, **more))


def pip(folder: Path, *words: object) -> None:
    run([folder / "venv" / "bin" / "python", "-m", "pip", words[0], "--quiet", "--disable-pip-version-check", *words[1:]], folder)


def run(words: list[object], folder: Path, code: int = 0, **more: str) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environ |= {"EDGEROUTE_HOME": str(folder / "home"), "EDGEROUTE_ENVIRONMENTS": str(paths.environments()), **more}
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, env=environ, cwd=folder, timeout=900, check=False)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def convert(edgeroute: Program, name: str) -> Any:
    return edgeroute("convert", str(DIGITS), "--to", "road-board", "--out", name)


def statuses(edgeroute: Program, *words: object, **more: str) -> dict[str, tuple[str, str]]:
    return {p["name"]: (p["status"], p["reason"]) for p in edgeroute("plugins", *words, **more)}


def test_the_graph_has_a_new_edge_and_a_new_device(edgeroute: Program, place: Path) -> None:
    (mine,) = [p for p in edgeroute("plugins") if p["name"] == "road"]
    assert (mine["status"], mine["origin"]) == ("loaded", "edgeroute-road 0.1.0")
    assert {"converter:road-pack", "target:road-board", "format:road", "runner:road"} <= set(mine["adds"])
    (route,) = edgeroute("plan", "onnx", "--to", "road-board")["routes"]
    assert [c["name"] for c in route["converters"]] == ["onnxslim", "road-pack"]
    assert edgeroute("explain", "ROAD-001")["remedy"]


def test_a_conversion_through_it_is_verified_and_edits_count_at_once(edgeroute: Program, place: Path) -> None:
    first = convert(edgeroute, "first.road")
    assert (first["status"], first["artifact"]["format"]) == ("succeeded", "road")
    assert first["steps"][-1]["verification"]["status"] == "passed" and first["validation"]["target"] == "road-board"
    assert [s["cached"] for s in convert(edgeroute, "again.road")["steps"]] == [True, True]
    work = place / "edgeroute-road" / "edgeroute_road" / "run.py"
    good = work.read_text()
    try:
        work.write_text(good.replace("container.write(out, facts, ", "container.write(out.with_suffix('.other'), facts, "))
        failed = edgeroute("convert", str(DIGITS), "--to", "road-board", "--out", "edited.road", code=6)
        assert failed["error"]["code"] == "converter-wrote-nothing"
    finally:
        work.write_text(good)
    assert not (place / "edited.road").exists() and (place / "first.road").is_file()


def test_its_own_tests_pass_as_they_are(place: Path) -> None:
    said = run([place / "venv" / "bin" / "python", "-m", "pytest", place / "edgeroute-road", "--rootdir", place / "edgeroute-road"], place)
    assert " passed" in said and "failed" not in said and "skipped" not in said


def test_installed_for_good_its_code_reaches_its_converters_too(edgeroute: Program, place: Path) -> None:
    pip(place, "install", "--no-deps", "--force-reinstall", place / "edgeroute-road")
    (mine,) = [p for p in edgeroute("plugins") if p["name"] == "road"]
    assert mine["status"] == "loaded"
    assert convert(edgeroute, "installed.road")["status"] == "succeeded"


BAD = {
    "away": "import not_there_at_all",
    "nonsense": "def edgeroute_formats(): return [3]",
    "thief": "from edgeroute.types import Format\ndef edgeroute_formats(): return [Format('road', 'mine', '.road')]",
    "older": "EDGEROUTE_API = 0",
}


def test_bad_plugins_cost_only_themselves(edgeroute: Program, place: Path) -> None:
    """Installed ones and inline files; the good one goes on beside them."""
    bad = place / "edgeroute-bad"
    bad.mkdir()
    entries = "".join(f'{name} = "edgeroute_bad_{name}"\n' for name in BAD)
    for name, text in BAD.items():
        (bad / f"edgeroute_bad_{name}.py").write_text(text)
    (bad / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling>=1.25"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "edgeroute-bad"\nversion = "1"\n'
        f"[project.entry-points.edgeroute]\n{entries}"
        '[tool.hatch.build.targets.wheel]\ninclude = ["*.py"]\n'
    )
    pip(place, "install", "--no-deps", bad)
    (place / "inline.py").write_text("def edgeroute_formats(): return []")
    (place / "pyproject.toml").write_text('[tool.edgeroute]\nplugins = ["inline.py"]\n')
    found = statuses(edgeroute)
    told = {name: found[name] for name in BAD}
    assert {name: status for name, (status, _) in told.items()} == {
        "away": "broken", "nonsense": "broken", "thief": "shadowed", "older": "broken",
    }  # fmt: skip
    assert "not_there_at_all" in told["away"][1] and "int where Format" in told["nonsense"][1]
    assert "belongs to the plugin road" in told["thief"][1] and "plugin API 0" in told["older"][1]
    assert {found.pop(name) for name in ("road", "inline")} == {("loaded", "")}
    assert statuses(edgeroute, EDGEROUTE_DISABLE="thief,inline")["inline"][0] == "disabled"
    assert convert(edgeroute, "beside.road")["status"] == "succeeded"
