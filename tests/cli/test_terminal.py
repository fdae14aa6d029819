"""How the program behaves in a terminal, in a narrow one, in a pipe, and towards somebody who mistypes."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgeroute.cli import main
from edgeroute.errors import SourceError, UsageError
from tests.cli.conftest import TOY, Call

PROGRAM = [sys.executable, "-m", "edgeroute"]
ROOT = Path(__file__).parents[2]


def environ(**more: str) -> dict[str, str]:
    path = os.pathsep.join(str(ROOT / part) for part in ("core", "plugins"))
    return {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")} | {"PYTHONPATH": path, **more}


def in_terminal(*words: str, **more: str) -> str:
    """What a terminal of 100 columns is sent."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([*PROGRAM, *words], env=environ(**more), stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = bytearray()
    with contextlib.suppress(OSError):  # how the other end of a terminal says that it is closed
        while piece := os.read(ours, 4096):
            said += piece
    os.close(ours)
    assert child.wait() == 0
    return said.decode()


def test_without_words_it_says_what_there_is_and_how_to_begin(edgeroute: Call) -> None:
    said = edgeroute()
    assert said.code == 0 and said.out == edgeroute("--help").out == edgeroute("help").out
    assert all(re.search(rf"^  {name} ", said.out, re.MULTILINE) for name in main.COMMANDS)
    assert "edgeroute plan model.onnx --to artpec9" in said.out


def test_help_of_a_command_is_asked_for_in_either_way(edgeroute: Call) -> None:
    assert edgeroute("help", "plan").out == edgeroute("plan", "--help").out
    assert edgeroute("-V").out == edgeroute("--version").out


MISTYPED = {
    ("convret", "a.onnx"): "did you mean convert?",
    ("convert", "a.onnx", "--calibrte", "x", "--to", "cpu"): "did you mean --calibrate?",
    ("plan", "onnx", "--to", "cpu", "--htlm=x"): "did you mean --html?",
    ("list", "convertrs"): "did you mean converters?",
    ("convert", "a.onnx", "--to", "cpu", "--effort", "mx"): "did you mean max?",
    ("plan", "onnx", "--to", "artpec99"): "did you mean artpec9?",
    ("plan", "onxn", "--to", "cpu"): "did you mean onnx?",
    ("plan", "onnx", "--to", "cpu", "--via", "onnx2ft"): "did you mean onnx2tf?",
    ("plan", "onnx", "--to", "cpu", "--set", "onnx2ft.x=1"): "did you mean onnx2tf?",
}


@pytest.mark.parametrize("words", MISTYPED, ids=" ".join)
def test_what_is_mistyped_is_answered_with_the_nearest(edgeroute: Call, words: tuple[str, ...]) -> None:
    said = edgeroute(*words)
    assert said.code in (UsageError.exit_code, SourceError.exit_code) and said.out == ""
    assert MISTYPED[words] in said.err


def test_a_file_that_is_nearly_there_is_named(edgeroute: Call) -> None:
    Path("model.onnx").write_bytes(b"x")
    assert "did you mean model.onnx?" in edgeroute("plan", "modle.onnx", "--to", "cpu").err


def test_options_are_not_abbreviated(edgeroute: Call) -> None:
    """A script with an abbreviation would break with the next option; and `--js` would get errors as text."""
    said = edgeroute("plan", "onnx", "--to", "cpu", "--js")
    assert said.code == UsageError.exit_code and "did you mean --json?" in said.err


@pytest.mark.parametrize(
    "words", [("plan", "onnx", "--to", "artpec8"), ("plugins",), ("list", "targets"), ("doctor",), ("explain", "A8-004"), ()]
)
@pytest.mark.parametrize("columns", [40, 100])
def test_no_line_is_wider_than_the_terminal(edgeroute: Call, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], columns: int) -> None:
    """But for commands, and words that fill what is left of it: a path or an address, which is copied whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    wide = [line for line in edgeroute(*words).out.splitlines() if len(line) > columns and not line.startswith("  edgeroute ")]
    assert [line for line in wide if len(max(line.split(), key=len)) < min(16, columns - 24)] == []


def test_colours_in_a_terminal_alone_and_none_where_they_are_unwelcome() -> None:
    words = ("plan", "onnx", "--to", "artpec8", "-k", "1")
    assert "\x1b[1" in in_terminal(*words)
    assert "\x1b[" not in in_terminal(*words, NO_COLOR="1")
    piped = subprocess.run([*PROGRAM, *words], env=environ(), capture_output=True, text=True, check=True)
    assert "\x1b" not in piped.stdout + piped.stderr


def test_progress_is_for_terminals(tmp_path: Path) -> None:
    (tmp_path / "model.toy").write_text('{"kind": "toy-a", "factor": 2.0}')
    words = ["convert", str(tmp_path / "model.toy"), "--to", "toy-device", "--out", str(tmp_path / "out.toy"), "--plugin", str(TOY)]
    home = {"EDGEROUTE_HOME": str(tmp_path / "home"), "EDGEROUTE_DISABLE": ",".join(names())}
    piped = subprocess.run([*PROGRAM, *words], env=environ(**home), capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    assert "✓" in in_terminal(*words, **{**home, "EDGEROUTE_HOME": str(tmp_path / "other")})


def names() -> list[str]:
    import importlib.metadata

    return [entry.name for entry in importlib.metadata.entry_points(group="edgeroute")]


@pytest.mark.parametrize("words", [("list", "converters", "--json"), ("--help",), ("completion", "bash")])
def test_a_reader_that_goes_away_is_no_error(words: tuple[str, ...]) -> None:
    child = subprocess.Popen([*PROGRAM, *words], env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert child.wait() == 0 and said == b""


def test_whoever_asked_for_a_report_is_not_told_how_to_get_one(toy: Call) -> None:
    assert "--report report.html" in toy("convert", "model.toy", "--to", "toy-device").out
    assert "--report report.html" not in toy("convert", "model.toy", "--to", "toy-device", "--report", "r.html").out
