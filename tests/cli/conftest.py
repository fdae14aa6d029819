"""The program as a user calls it, in a folder and a home of its own."""

from __future__ import annotations

import importlib.metadata
import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeroute.cli.main import main

TOY = Path(__file__).parents[1] / "core" / "runner" / "toyplugin.py"


@dataclass(frozen=True)
class Said:
    """What a call of the program left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Said]


def call(*words: str | Path) -> Said:
    """Run one command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(w) for w in words])
        except SystemExit as stop:  # --help and --version, from argparse
            code = int(stop.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def edgeroute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The built-in plugins, an empty home and an empty current folder."""
    monkeypatch.setenv("EDGEROUTE_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return call


@pytest.fixture
def toy(edgeroute: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Only the toy plugin, which converts and measures in milliseconds, and a model for it: `model.toy`."""
    names = [entry.name for entry in importlib.metadata.entry_points(group="edgeroute")]
    monkeypatch.setenv("EDGEROUTE_DISABLE", ",".join(names))
    Path("model.toy").write_text(json.dumps({"kind": "toy-a", "factor": 2.0}))
    return lambda *words: edgeroute(*words, "--plugin", TOY)
