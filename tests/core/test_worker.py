"""The child's side: what a job's function sees, and what is left of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeroute import worker
from edgeroute.types import Job, to_json

PLUGIN = """
from __future__ import annotations
import os, sys
from dataclasses import dataclass
from pathlib import Path
from edgeroute.errors import SourceError
from edgeroute.types import Calibration, Facts, Preprocess, Tensor, option

@dataclass(frozen=True)
class Options:
    calibration: Calibration | None = option(None, "samples", fill="calibration")
    preprocess: Preprocess = option(Preprocess(), "pixels", fill="preprocess")
    names: tuple[str, ...] = option((), "names")

def run(source: Path, out: Path, options: Options) -> Facts:
    out.write_bytes(source.read_bytes() * 2)
    assert options.calibration is None or isinstance(options.calibration.path, Path)
    return Facts(inputs=(Tensor("x", (1, None), "float32"),), notes={"usable": options.calibration.usable if options.calibration else 0,
                 "mean": options.preprocess.mean, "names": options.names})

def nothing(source, out, options):
    return None

def refuse(source, out, options):
    raise SourceError("it is empty", where="x.onnx", remedy="give another one", code="source-empty")

def crash(source, out, options):
    print("about to fail")
    raise ValueError("no such\\nthing")

def wrap(source, out, options):
    try:
        crash(source, out, options)
    except ValueError as error:
        raise RuntimeError("the fast path failed") from error

def leave(source, out, options):
    sys.exit("cannot go on")

def needs(source, out, options):
    import no_such_library_anywhere

def look(names=()):
    import random, tempfile
    return {"path": sys.path, "cwd": os.getcwd(), "tmp": tempfile.gettempdir(), "which": os.environ["PATH"].split(os.pathsep)[0],
            "random": random.random(), "hash": hash("a"), "environ": {n: os.environ.get(n) for n in names}, "flags": list(sys.flags),
            "stdin": sys.stdin.read(), "utf8": sys.flags.utf8_mode, "modules": sorted(sys.modules)}

def neighbours():
    found = []
    for name in ("neighbour", "jobs_neighbour", "edgeroute", "pytest_secret"):
        try:
            __import__(name)
            found.append(name)
        except ImportError:
            pass
    return found

def unspeakable():
    return object()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a plugin package, a neighbour that must stay invisible, and a job's folder."""
    package = tmp_path / "plugins" / "made_up"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "run.py").write_text(PLUGIN)
    (tmp_path / "plugins" / "neighbour.py").write_text("")
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "in.bin").write_bytes(b"ab")
    return tmp_path


def run(place: Path, job: Job, **environ: str) -> dict[str, Any]:
    """Run a job by the command that a user would type; returns its outcome, and leaves what it printed in `printed.txt`."""
    (place / "job" / "job.json").write_text(json.dumps(to_json(job)))
    command = [sys.executable, "-I", "-X", "utf8", worker.__file__, str(place / "job" / "job.json")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=place, env=os.environ | environ, stdin=subprocess.DEVNULL, check=False, timeout=60
    )
    (place / "printed.txt").write_text(done.stdout + done.stderr)
    outcome: dict[str, Any] = json.loads((place / "job" / "outcome.json").read_text())
    return outcome


def convert(place: Path, function: str, options: Any = None) -> dict[str, Any]:
    arguments = {"source": "in.bin", "out": str(place / "job" / "out.bin"), "options": options or {}}
    code = {"made_up": str(place / "plugins" / "made_up")}
    return run(place, Job("convert", f"made_up.run:{function}", arguments, "made_up.run:Options", code))


def call(place: Path, function: str, arguments: Any = None, **environ: str) -> Any:
    code = {"made_up": str(place / "plugins" / "made_up")}
    return run(place, Job("call", f"made_up.run:{function}", arguments or {}, code=code), **environ)


def test_a_conversion_gets_typed_options_and_returns_facts(place: Path) -> None:
    calibration = {"path": "cal", "names": ["x"], "count": 5, "held_back": 2}
    outcome = convert(place, "run", {"calibration": calibration, "preprocess": {"mean": [1, 2]}, "names": ["a"]})
    assert outcome["status"] == "ok"
    assert outcome["value"]["inputs"][0]["shape"] == [1, None]
    assert outcome["value"]["notes"] == {"usable": 3, "mean": [1.0, 2.0], "names": ["a"]}
    assert (place / "job" / "out.bin").read_bytes() == b"abab"
    assert outcome["seconds"] > 0
    assert 5 < outcome["peak_rss_mb"] < 200


def test_an_unknown_option_is_refused_with_the_nearest_name(place: Path) -> None:
    outcome = convert(place, "run", {"calibratoin": None})
    assert outcome["status"] == "error"
    assert outcome["error"]["code"] == "unknown-field"
    assert "did you mean 'calibration'" in outcome["error"]["remedy"]


def test_an_error_of_ours_keeps_its_code_place_and_remedy(place: Path) -> None:
    error = convert(place, "refuse")["error"]
    assert (error["code"], error["message"], error["where"], error["remedy"]) == (
        "source-empty",
        "it is empty",
        "x.onnx",
        "give another one",
    )
    assert error["class"] == "SourceError"


def test_any_other_exception_is_described_and_its_traceback_logged(place: Path) -> None:
    outcome = convert(place, "crash")
    assert outcome["status"] == "error"
    assert outcome["error"]["code"] == "converter-raised"
    assert outcome["error"]["where"].startswith("crash, line ")
    assert outcome["error"]["remedy"]
    printed = (place / "printed.txt").read_text()
    assert "about to fail" in printed
    assert "Traceback" in printed


def test_a_wrapped_exception_is_told_with_its_cause(place: Path) -> None:
    error = convert(place, "wrap")["error"]
    assert error["message"].startswith("RuntimeError: the fast path failed (cause: ")
    assert "such" in error["message"]
    assert error["where"].startswith("crash, line ")


def test_sys_exit_is_an_outcome_of_its_own(place: Path) -> None:
    outcome = convert(place, "leave")
    assert outcome["status"] == "exit"
    assert "cannot go on" in outcome["error"]["message"]


def test_a_missing_library_blames_the_environment(place: Path) -> None:
    error = convert(place, "needs")["error"]
    assert error["code"] == "converter-import"
    assert "edgeroute env" in error["remedy"]


def test_a_function_that_returns_no_facts_blames_the_plugin(place: Path) -> None:
    assert convert(place, "nothing")["error"]["code"] == "plugin-returned"


def test_a_result_that_is_no_json_is_an_error(place: Path) -> None:
    assert call(place, "unspeakable")["error"]["code"] == "converter-raised"


def test_an_unknown_function_is_an_error_and_not_a_crash(place: Path) -> None:
    assert call(place, "no_such_function")["status"] == "error"


def test_only_the_jobs_packages_are_importable(place: Path) -> None:
    (place / "pytest_secret.py").write_text("")
    assert call(place, "neighbours", PYTHONPATH=str(place))["value"] == ["edgeroute"]


def test_single_files_and_folders_without_init_are_importable_too(place: Path) -> None:
    (place / "single.py").write_text("from spread.part import ANSWER\ndef answer(): return ANSWER\n")
    (place / "parts").mkdir()
    (place / "parts" / "part.py").write_text("ANSWER = 42\n")
    code = {"single": str(place / "single.py"), "spread": str(place / "parts")}
    assert run(place, Job("call", "single:answer", {}, code=code))["value"] == 42


def test_the_surroundings_are_quiet_offline_and_inside_the_jobs_folder(place: Path) -> None:
    seen = call(place, "look", {"names": ["HTTPS_PROXY", "HF_HUB_OFFLINE", "KERAS_HOME", "NO_COLOR", "PYTHONPATH"]}, PYTHONPATH="x")[
        "value"
    ]
    scratch = str(place / "job" / "scratch")
    assert seen["cwd"] == scratch
    assert seen["tmp"].startswith(scratch)
    assert seen["environ"]["KERAS_HOME"].startswith(scratch)
    assert seen["environ"]["HF_HUB_OFFLINE"] == "1"
    assert seen["environ"]["HTTPS_PROXY"].startswith("http://127.0.0.1")
    assert seen["environ"]["PYTHONPATH"] is None
    assert seen["which"] == str(Path(sys.executable).parent)
    assert seen["utf8"] == 1
    assert not [p for p in seen["path"] if "edgeroute" in Path(p).parts[-1:]]


def test_random_numbers_and_hashes_are_the_same_every_time(place: Path) -> None:
    first, second = call(place, "look")["value"], call(place, "look", PYTHONHASHSEED="7")["value"]
    assert (first["random"], first["hash"]) == (second["random"], second["hash"])


def test_numpy_is_seeded_when_it_is_used(place: Path) -> None:
    (place / "dice.py").write_text("def roll():\n    import numpy\n    return numpy.random.rand(3).tolist()\n")
    job = Job("call", "dice:roll", {}, code={"dice": str(place / "dice.py")})
    first, second = run(place, job), run(place, job)
    assert first["value"] == second["value"]
    assert first["versions"]["numpy"]


def test_a_call_does_not_load_what_it_does_not_use(place: Path) -> None:
    modules = call(place, "look")["value"]["modules"]
    assert "numpy" not in modules
    assert "edgeroute.api" not in modules


def test_the_worker_needs_the_standard_library_only() -> None:
    folder = Path(worker.__file__).parent
    names = ("edgeroute.worker", "edgeroute.codec", "edgeroute.types", "edgeroute.errors", "edgeroute.distributions", "edgeroute.tools")
    code = f"import sys; sys.path.append({str(folder.parent)!r})\n" + "\n".join(f"import {n}" for n in names)
    code += "\nprint([m for m in sys.modules if m.partition('.')[0] in ('packaging', 'pluggy', 'networkx', 'numpy')])"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
