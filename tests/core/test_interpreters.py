"""Which Pythons are found, which is taken, and that planning asks none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeroute import interpreters
from edgeroute.errors import EnvironmentFailed, PluginError
from edgeroute.interpreters import Interpreter, Interpreters
from edgeroute.types import Json

OWN = ".".join(map(str, sys.version_info[:3]))
OWN_SERIES = f"3.{sys.version_info[1]}"
LATER = ">=3.15,<3.20"
"""A range that the Python running these tests is not in."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any Python, on a computer that has none in the usual folders."""
    monkeypatch.setattr(interpreters, "COMMON", ())
    return tmp_path


def make_python(path: Path) -> Path:
    """A file that looks like an interpreter, but cannot be started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF" + str(path).encode())
    path.chmod(0o755)
    return path


def look(home: Path, **environ: str) -> Interpreters:
    return Interpreters(home / "memory" / "interpreters.json", {"PATH": ""} | environ, home)


def answers(monkeypatch: pytest.MonkeyPatch, table: dict[Path, Json]) -> list[Path]:
    """Let interpreters answer from a table; returns the list of those that were asked."""
    asked: list[Path] = []

    def answer(path: Path) -> Json:
        asked.append(path)
        return table.get(path)

    monkeypatch.setattr(interpreters, "_answer", answer)
    return asked


def said(version: str, venv: bool = True, cpython: bool = True) -> Json:
    return {"version": version, "venv": venv, "cpython": cpython}


def test_the_callers_own_is_known_without_asking(home: Path) -> None:
    assert look(home).all() == (Interpreter(Path(sys.executable), OWN, "caller"),)


def test_every_usual_place_is_looked_at(home: Path) -> None:
    places = {
        "path": home / "bin" / "python3.15",
        "pyenv": home / ".pyenv" / "versions" / "3.16.2" / "bin" / "python3.16",
        "uv": home / ".local" / "share" / "uv" / "python" / "cpython-3.17.1-linux-x86_64-gnu" / "bin" / "python3.17",
        "conda": home / "miniconda3" / "envs" / "vision" / "bin" / "python3.18",
    }
    for path in places.values():
        make_python(path)
    found = look(home, PATH=f"{home / 'bin'}{os.pathsep}{home / 'no such folder'}{os.pathsep}").all()
    assert {i.origin: i.path for i in found if i.origin != "caller"} == places
    assert [i.version for i in found if i.origin != "caller"] == ["3.15", "3.16", "3.17", "3.18"]


def test_the_tools_own_variables_move_the_places(home: Path) -> None:
    pyenv = make_python(home / "p" / "versions" / "3.15.0" / "bin" / "python3.15")
    uv = make_python(home / "u" / "cpython-3.16.0-linux" / "bin" / "python3.16")
    conda = make_python(home / "c" / "bin" / "python3.17")
    base = make_python(home / "base" / "envs" / "e" / "bin" / "python3.18")
    make_python(home / "u" / "pypy-3.11-linux" / "bin" / "python3.11")
    found = look(
        home,
        PYENV_ROOT=str(home / "p"),
        UV_PYTHON_INSTALL_DIR=str(home / "u"),
        CONDA_PREFIX=str(home / "c"),
        CONDA_EXE=str(home / "base" / "bin" / "conda"),
    )
    assert [i.path for i in found.all() if i.origin != "caller"] == [pyenv, uv, conda, base]


def test_one_interpreter_under_several_names_counts_once(home: Path) -> None:
    real = make_python(home / "bin" / "python3.15")
    (home / "bin" / "python3").symlink_to(real)
    (home / "more").mkdir()
    (home / "more" / "python3.15").symlink_to(real)
    found = look(home, PATH=f"{home / 'bin'}{os.pathsep}{home / 'more'}").all()
    assert [i.path for i in found if i.origin == "path"] == [real]


def test_a_shim_is_passed_over(home: Path) -> None:
    """A pyenv shim exists for versions that are not selected, and fails when it is called."""
    shim = make_python(home / "shims" / "python3.15")
    shim.write_text("#!/bin/sh\nexit 127\n")
    assert look(home, PATH=str(home / "shims")).likely(LATER) is None


def test_the_lowest_series_wins_then_the_caller_then_the_newest_patch(home: Path) -> None:
    make_python(home / "a" / "python3.17")
    fifteen = make_python(home / "b" / "python3.15")
    found = look(home, PATH=f"{home / 'a'}{os.pathsep}{home / 'b'}")
    likely = found.likely(LATER)
    assert likely is not None
    assert likely.path == fifteen
    make_python(home / "c" / f"python{OWN_SERIES}")
    own = look(home, PATH=str(home / "c")).likely(f"=={OWN_SERIES}.*")
    assert own is not None
    assert own.origin == "caller"
    older, newer = (Interpreter(Path(v), v, "pyenv") for v in ("3.12.1", "3.12.9"))
    assert sorted([older, newer], key=lambda i: i.preference) == [newer, older]


def test_guessing_starts_no_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    make_python(home / "bin" / "python3.15")
    assert look(home, PATH=str(home / "bin")).likely(">=3.15.4,<3.16") is not None


def test_a_guess_that_cannot_be_started_is_not_chosen_and_remembered(home: Path) -> None:
    make_python(home / "bin" / "python3.15")
    found = look(home, PATH=str(home / "bin"))
    with pytest.raises(EnvironmentFailed) as caught:
        found.choose(LATER)
    assert caught.value.code == "no-python"
    assert found.likely(LATER) is None
    assert look(home, PATH=str(home / "bin")).likely(LATER) is None


def test_an_interpreter_is_asked_once_until_it_changes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_python(home / "bin" / "python3.15")
    asked = answers(monkeypatch, {path: said("3.15.3")})
    for _ in range(2):
        assert look(home, PATH=str(home / "bin")).choose(LATER).version == "3.15.3"
    assert asked == [path]
    os.utime(path, ns=(1, 1))
    look(home, PATH=str(home / "bin")).choose(LATER)
    assert asked == [path, path]


def test_an_interpreter_that_lies_about_its_name_is_judged_by_its_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    liar, honest = make_python(home / "a" / "python3.15"), make_python(home / "b" / "python3.16")
    answers(monkeypatch, {liar: said("3.14.0"), honest: said("3.16.0")})
    assert look(home, PATH=f"{home / 'a'}{os.pathsep}{home / 'b'}").choose(LATER).path == honest


@pytest.mark.parametrize(
    "answer", [said("3.15.0rc1"), said("3.15.0", cpython=False), None], ids=["release candidate", "not CPython", "mute"]
)
def test_what_is_no_ordinary_python_is_not_chosen(home: Path, monkeypatch: pytest.MonkeyPatch, answer: Json) -> None:
    path = make_python(home / "bin" / "python3.15")
    answers(monkeypatch, {path: answer})
    with pytest.raises(EnvironmentFailed):
        look(home, PATH=str(home / "bin")).choose(LATER)


def test_a_python_without_venv_serves_only_with_uv(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_python(home / "bin" / "python3.15")
    answers(monkeypatch, {path: said("3.15.0", venv=False)})
    found = look(home, PATH=str(home / "bin"))
    with pytest.raises(EnvironmentFailed) as caught:
        found.choose(LATER)
    assert caught.value.code == "no-venv"
    assert "apt install python3.15-venv" in caught.value.remedy
    assert found.choose(LATER, with_venv=False).path == path


def test_a_plain_python3_is_asked_when_nothing_better_is_known(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_python(home / "bin" / "python3")
    answers(monkeypatch, {path: said("3.15.0")})
    found = look(home, PATH=str(home / "bin"))
    assert found.likely(LATER) is None
    assert found.choose(LATER).path == path
    assert found.likely(LATER) is not None


def test_a_damaged_memory_is_forgotten(home: Path) -> None:
    found = look(home)
    found.memory.parent.mkdir()
    found.memory.write_text("{ not json")
    assert found.choose(f"=={OWN}", with_venv=False).path == Path(sys.executable)
    assert json.loads(found.memory.read_text())


def test_this_interpreter_answers(home: Path) -> None:
    own = look(home).ask(Interpreter(Path(sys.executable), OWN, "caller"))
    assert (own.version, own.asked, own.usable) == (OWN, True, True)


def test_a_range_below_the_workers_own_says_so(home: Path) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        look(home).choose("<3.11")
    assert "steps run in Python >=3.11 only" in caught.value.message


def test_a_senseless_range_blames_the_plugin(home: Path) -> None:
    with pytest.raises(PluginError):
        look(home).likely("three point eleven")
