"""Strangers' plugins: by file, by folder, by pyproject.toml; switched off by name; and their own code as it is edited here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import TOY, Call

PLUGIN = """
from edgeroute.types import Converter, Target
from edgeroute_local.options import Options

def edgeroute_converters():
    return [Converter("local-ab", "toy-a", "toy-b", "edgeroute_local.run:run", Options, on_request=True)]
"""
OPTIONS = """
from dataclasses import dataclass
from edgeroute.types import option

@dataclass(frozen=True)
class Options:
    \"\"\"None that matter.\"\"\"
    word: str = option("", "goes into the file")
"""
RUN = """
import json
from edgeroute.types import Facts
from edgeroute_local.words import WORD

def run(source, out, options):
    model = json.loads(source.read_text())
    out.write_text(json.dumps({**model, "kind": "toy-b", "word": WORD}))
    return Facts()
"""


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A package that is not installed."""
    package = tmp_path / "edgeroute_local"
    package.mkdir()
    for name, text in {"__init__": "", "plugin": PLUGIN, "options": OPTIONS, "run": RUN, "words": "WORD = 'first'\n"}.items():
        (package / f"{name}.py").write_text(text)
    return package


def edit(file: Path, text: str) -> None:
    file.write_text(text)
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 1_000_000_000))


def statuses(said: str) -> dict[str, tuple[str, str]]:
    return {p["name"]: (p["status"], p["reason"]) for p in json.loads(said)}


def test_a_package_folder_is_a_plugin_and_its_edits_are_used_at_once(toy: Call, local: Path) -> None:
    words = ("convert", "model.toy", "--to", "toy-device", "--via", "local-ab", "--out", "out.toy", "--plugin", local, "--json")
    assert toy(*words).code == 0
    assert json.loads(Path("out.toy").read_text())["word"] == "first"
    again = toy(*words).json
    assert [s["cached"] for s in again["steps"]] == [True, True]
    edit(local / "words.py", "WORD = 'second'\n")
    edited = toy(*words).json
    assert edited["steps"][0]["cached"] is False
    assert json.loads(Path("out.toy").read_text())["word"] == "second"


def test_plugins_of_the_project_are_loaded(edgeroute: Call) -> None:
    Path("of_the_project.py").write_text("def edgeroute_formats(): return []")
    Path("pyproject.toml").write_text("[tool.edgeroute]\nplugins = ['of_the_project.py']\n")
    assert statuses(edgeroute("plugins", "--json").out)["of_the_project"] == ("loaded", "")
    Path("pyproject.toml").write_text("[tool.edgeroute]\nplugins = ['gone.py']\n")
    said = edgeroute("plugins", "--json")
    assert (said.code, said.json["error"]["code"]) == (11, "plugin-missing")
    Path("pyproject.toml").write_text("[tool.edgeroute\n")
    assert edgeroute("plugins").code == 2


@pytest.mark.parametrize(
    "text", ["tool.edgeroute = 3", "tool.edgeroute.plugins = 'x.py'", "tool.edgeroute.plugins = [3]", "tool.edgeroute.plugin = ['x.py']"]
)
def test_a_project_that_is_not_understood_is_told_how_it_is_written(edgeroute: Call, text: str) -> None:
    Path("pyproject.toml").write_text(text)
    said = edgeroute("plugins")
    assert said.code == 2 and 'write plugins = ["my_plugin.py"]' in said.err


def test_a_disabled_plugin_costs_its_own_edges_only(edgeroute: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEROUTE_DISABLE", "onnx2tf, toyplugin")
    found = statuses(edgeroute("plugins", "--json", "--plugin", TOY).out)
    assert found["onnx2tf"] == ("disabled", "named in EDGEROUTE_DISABLE") and found["toyplugin"][0] == "disabled"
    assert {status for name, (status, _) in found.items() if name not in ("onnx2tf", "toyplugin")} == {"loaded"}
    said = edgeroute("plan", "onnx", "--to", "artpec9", "--via", "onnx2tf")
    assert said.code == 2 and "there is no converter onnx2tf" in said.err


BROKEN = {
    "imports what is not there": ("import not_there_at_all", "broken", "ModuleNotFoundError"),
    "answers nonsense": ("def edgeroute_formats(): return [3]", "broken", "answered int where Format is wanted"),
    "raises": ("def edgeroute_targets(): raise KeyError('x')", "broken", "edgeroute_targets() raised KeyError"),
    "takes a name": ("from edgeroute.types import Format\ndef edgeroute_formats(): return [Format('onnx', 'mine', '.onnx')]", "shadowed", "belongs to the plugin onnx"),
    "is of another version": ("EDGEROUTE_API = 7", "broken", "made for plugin API 7"),
    "asks an unknown question": ("def edgeroute_fromats(): return []", "broken", "it does not answer as edgeroute asks: unknown hook"),
    "leaves": ("raise SystemExit('bye')", "broken", "SystemExit: bye"),
    "dangles": (
        "from edgeroute.types import Target\ndef edgeroute_targets(): return [Target('t', 't', ('nothing',))]", "broken", "accepts nothing, which nobody declares",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_quarantined_and_everything_else_goes_on(edgeroute: Call, kind: str) -> None:
    text, status, reason = BROKEN[kind]
    file = Path(f"broken_{kind.replace(' ', '_')}.py")
    file.write_text(text)
    said = edgeroute("plugins", "--json", "--plugin", file)
    found = statuses(said.out)
    mine = found.pop(file.stem)
    assert mine[0] == status and reason in mine[1]
    assert {s for s, _ in found.values()} == {"loaded"}
    assert edgeroute("plan", "onnx", "--to", "artpec9", "--plugin", file).code == 0
