"""The contract suite on toys: a good plugin passes, and each kind of misconduct is found and named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgeroute

GOOD = '''
from dataclasses import dataclass
from pathlib import Path
import json
from edgeroute.types import Converter, Cost, Facts, Format, Recognition, Runner, Symptom, Target, Tensor, option

@dataclass(frozen=True)
class Options:
    """What can be set."""
    factor: float = option(1.0, "multiplies the model")

X, Y = Tensor("x", (1, 4), "float32"), Tensor("y", (1, 4), "float32")

def edgeroute_formats():
    return [Format("jot-a", "a jot", ".jot"), Format("jot-b", "another", ".jot")]

def edgeroute_converters():
    return [Converter("jot-up", "jot-a", "jot-b", "{name}:run", Options, symptoms=(Symptom(r"no (\\\\w+)", "jot-no", "no {{0}}", "find {{0}}"),))]

def edgeroute_targets():
    return [Target("jot-board", "a board", ("jot-b",))]

def edgeroute_runners():
    return [Runner("jot", ("jot-a", "jot-b"), "{name}:load")]

def edgeroute_recognize(path):
    try:
        kind = json.loads(Path(path).read_text())["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Recognition(kind, Facts((X,), (Y,))) if kind in ("jot-a", "jot-b") else None

def run(source, out, options):
    model = json.loads(source.read_text())
    out.write_text(json.dumps({{"kind": "jot-b", "factor": model["factor"] * options.factor}}))
    return Facts()

class Session:
    inputs, outputs = (X,), (Y,)
    def __init__(self, factor):
        self.factor = factor
    def run(self, arrays):
        return [arrays[0] * self.factor]

def load(model):
    return Session(json.loads(Path(model).read_text())["factor"])
'''

TEST = """
from pathlib import Path
from edgeroute.testing.contract import PluginContract

class TestContract(PluginContract):
    plugin = "{name}"
    samples = {{"jot-a": Path(__file__).with_name("tiny.jot")}}
"""


def examine(folder: Path, name: str, source: str, *words: str) -> tuple[int, str]:
    """Exit code and output of the suite on a plugin of this source."""
    (folder / f"{name}.py").write_text(source.format(name=name))
    (folder / "test_it.py").write_text(TEST.format(name=name))
    (folder / "tiny.jot").write_text('{"kind": "jot-a", "factor": 2.0}')
    (folder / "conftest.py").write_text('pytest_plugins = ["edgeroute.testing.pytest_plugin"]\n')
    path = os.pathsep.join([str(folder), str(Path(edgeroute.__file__).parent.parent)])
    environ = {**os.environ, "PYTHONPATH": path, "EDGEROUTE_HOME": str(folder / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--rootdir",
        str(folder),
        *words,
        str(folder / "test_it.py"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=folder, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_good_plugin_passes_and_nothing_is_skipped(tmp_path: Path) -> None:
    code, said = examine(tmp_path, "jot_good", GOOD, "-m", "not real")
    assert code == 0, said
    passed = re.search(r"(\d+) passed", said)
    assert passed and int(passed[1]) > 25
    assert "skipped" not in said


MISCONDUCT = {
    "no docs": ('option(1.0, "multiplies the model")', 'option(1.0, "")', "jot-up.factor has no help"),
    "heavy import": ("import json\n", "import json, numpy\n", "also imports numpy"),
    "capital name": ('Format("jot-b", "another"', 'Format("Jot_B!", "another"', "small letters"),
    "dangling function": ('"{name}:run"', '"{name}:walk"', "has no function walk"),
    "dangling format": (
        '"jot-a", "jot-b", "{name}:run"',
        '"jot-a", "jot-c", "{name}:run"',
        "names the format jot-c, which nobody declares",
    ),
    "greedy symptom": ('"no {{0}}"', '"no {{3}}"', "fills {3}, but has 1 groups"),
    "crash on garbage": ("except (OSError, ValueError, KeyError, TypeError)", "except OSError", "JSONDecodeError"),
    "global state": (
        "    try:\n        kind",
        '    import os; os.environ["JOT"] = "1"\n    try:\n        kind',
        "changed environment variables",
    ),
    "writes beside": ("    try:\n        kind", '    Path(str(path) + ".tmp").write_text("x")\n    try:\n        kind', "it may only read"),
    "takes everything": (
        "return None\n    return Recognition",
        'return Recognition("jot-a")\n    return Recognition',
        "look at the content",
    ),
    "sure of itself": ("Options, symptoms", "Options, cost=Cost(0.0), symptoms", "risk and loss are shares"),
    "no import": ("import json\n", "import json\nimport not_there_at_all\n", "cannot be imported"),
}


@pytest.mark.parametrize("kind", MISCONDUCT)
def test_misconduct_is_found_and_named(tmp_path: Path, kind: str) -> None:
    old, new, said = MISCONDUCT[kind]
    assert old in GOOD
    code, text = examine(tmp_path, "jot_" + kind.replace(" ", "_"), GOOD.replace(old, new), "-m", "not real")
    assert code == 1, text
    assert said in text, text[-3000:]


WORK = {
    "": ("", "", ""),
    "lies": ('model["factor"] * options.factor', 'model["factor"] * 3.0', "VerificationFailed"),
    "believes anything": ("    model = json.loads(source.read_text())\n", '    model = {{"factor": 2.0}}\n', "DID NOT RAISE"),
    "leaves things in the home": (
        "    model = json.loads(source.read_text())\n",
        '    model = json.loads(source.read_text()); import os; Path(os.environ["HOME"], "jot.log").write_text("x")\n',
        "wrote outside of its folder",
    ),
    "nobody runs it": ('Runner("jot", ("jot-a", "jot-b")', 'Runner("jot", ("jot-a",)', "nothing executes jot-b"),
}


@pytest.mark.real
@pytest.mark.parametrize("kind", WORK)
def test_converters_are_watched_at_work(tmp_path: Path, kind: str) -> None:
    old, new, said = WORK[kind]
    runtime = '\ndef edgeroute_environments():\n    from edgeroute.types import Environment\n    return [Environment("runtime", ("numpy==2.4.6",), accepts=("numpy",))]\n'
    # A session that knows no other plugin makes its samples in the caller's interpreter.
    source = GOOD.replace(old, new) if old else GOOD
    code, text = examine(tmp_path, "jot_work_" + (kind.replace(" ", "_") or "good"), _alone(source, runtime), "-m", "real")
    assert code == (1 if said else 0), text
    assert said in text, text[-3000:]


def _alone(source: str, runtime: str) -> str:
    """With an environment for samples where no other plugin is installed that declares one."""
    from edgeroute.plugins import discover

    return source if any(p.name == "runtime" for p in discover(disabled=()).all) else source + runtime
