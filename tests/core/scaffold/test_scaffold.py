"""`edgeroute plugin new`: what it writes works as it is, and names that cannot be are refused before anything is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgeroute
from edgeroute import scaffold
from edgeroute.catalog import Catalog, build
from edgeroute.errors import OutputError, UsageError
from edgeroute.plugins import discover

ROOT = Path(__file__).parents[3]


def written(folder: Path, name: str = "demo") -> Path:
    return scaffold.create(name, folder, Catalog())


def test_no_placeholder_is_left_and_every_line_is_short_enough(tmp_path: Path) -> None:
    for file in written(tmp_path, "my-long-board").rglob("*"):
        if file.is_file():
            text = file.read_text()
            assert not re.search(r"\$\{?[A-Za-z]", text), file
            assert file.suffix != ".tmpl"


def test_what_it_writes_is_tidy(tmp_path: Path) -> None:
    place = written(tmp_path, "my-board")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "140", "--select", "E,F,UP,SIM", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_loads_without_being_installed(tmp_path: Path) -> None:
    package = written(tmp_path, "fresh") / "edgeroute_fresh"
    plugins = discover([package])
    whole = build(plugins)
    (plugin,) = [p for p in plugins.all if p.origin == str(package)]
    assert plugin.status == "loaded" or "names the format onnx-static" in plugin.reason
    if plugin.status == "loaded":
        assert {"target:fresh-board", "converter:fresh-pack", "format:fresh"} <= set(whole.owners)


def test_its_own_tests_pass_before_anything_is_built(tmp_path: Path) -> None:
    place = written(tmp_path, "brief")
    source = str(Path(edgeroute.__file__).parent.parent)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), source, str(ROOT / "plugins")]), "PYTHONDONTWRITEBYTECODE": "1"}
    (place / "conftest.py").write_text('pytest_plugins = ["edgeroute.testing.pytest_plugin"]\n')
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not real", "-k", "not stays"]
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["", "9lives", "Über", "a b", "../up", "x" * 31, "-a", "a-"])
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        written(tmp_path, name)
    assert caught.value.code == "bad-plugin-name"
    assert list(tmp_path.iterdir()) == []


def test_what_is_taken_is_refused_with_its_owner(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="format onnx belongs to the plugin ours"):
        scaffold.create("onnx", tmp_path, Catalog(owners={"format:onnx": "ours"}))


@pytest.mark.parametrize(("name", "why"), [("keras-tf", "there is a plugin keras_tf"), ("tfl-1", "there is a rule TFL-001")])
def test_the_names_of_plugins_and_of_rules_are_taken_too(tmp_path: Path, name: str, why: str) -> None:
    """The new plugin would be shadowed, or `explain` would tell another's rule."""
    with pytest.raises(UsageError, match=why):
        scaffold.create(name, tmp_path, build(discover((), ())))
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(OutputError) as caught:
        written(tmp_path, "edgeroute-demo")
    assert caught.value.code == "output-exists"
