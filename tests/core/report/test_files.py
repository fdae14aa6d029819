"""Reports in files: by suffix, whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from edgeroute.errors import OutputError, UsageError
from edgeroute.report import write
from edgeroute.report.files import write_check
from edgeroute.types import to_json
from tests.core.report import sample


@pytest.mark.parametrize(("name", "begins"), [("r.html", "<!doctype html>"), ("r.md", "# detector.onnx"), ("r.JSON", "{")])
def test_the_suffix_says_which_kind(tmp_path: Path, name: str, begins: str) -> None:
    path = write(sample.RESULT, tmp_path / name, sample.CATALOG)
    assert path.read_text(encoding="utf-8").startswith(begins)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "begins"), [("c.html", "<!doctype html>"), ("c.md", "# "), ("c.json", "{")])
def test_a_check_is_written_like_a_conversion(tmp_path: Path, name: str, begins: str) -> None:
    path = write_check(sample.RESULT.validation, tmp_path / name)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(begins) and ("<svg" in text) == (path.suffix == ".html")


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_a_report_does_not_tell_how_to_get_a_report(tmp_path: Path, suffix: str) -> None:
    details = {**sample.RESULT.details, "command": "edgeroute convert detector.onnx --to artpec8"}
    path = write(dataclasses.replace(sample.RESULT, details=details), tmp_path / f"r.{suffix}")
    assert "--report" not in path.read_text(encoding="utf-8")


def test_json_is_the_result(tmp_path: Path) -> None:
    path = write(sample.RESULT, tmp_path / "r.json")
    assert json.loads(path.read_text(encoding="utf-8")) == to_json(sample.RESULT)


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        write(sample.RESULT, tmp_path / "r.pdf")
    assert caught.value.code == "report-suffix"
    assert ".html, .md, .json" in caught.value.remedy


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write(sample.RESULT, tmp_path / "no" / "r.html")


def test_a_failed_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "r.html"
    old.write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError):
        write(sample.RESULT, old)
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]
