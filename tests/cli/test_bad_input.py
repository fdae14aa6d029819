"""Every bad input: one clear message with a remedy, its exit code, nothing left behind, what was there untouched."""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeroute.cli import shared
from edgeroute.errors import ConverterFailed, EnvironmentFailed, OutputError, PlanError, SourceError, UsageError, VerificationFailed
from tests.cli.conftest import Call, Said
from tests.plugins.onnx import graphs

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"


def complaint(said: Said, code: int, name: str) -> None:
    """One message of a few lines that says what, what to do, and where more is told."""
    assert said.code == code, said.err
    assert said.out == ""
    assert said.err.startswith("edgeroute: ") and said.err.count("edgeroute: ") == 1
    assert "\n  → " in said.err
    assert said.err.endswith(f"  [{name}] `edgeroute explain {name}`\n")
    assert "Traceback" not in said.err and "Error:" not in said.err


def missing(path: Path) -> None:
    """Nothing is written."""


def empty(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("hello")


def empty_folder(path: Path) -> None:
    path.mkdir()


def truncated(path: Path) -> None:
    path.write_bytes(DIGITS.read_bytes()[:5000])


def noise(path: Path) -> None:
    path.write_bytes(random.Random(0).randbytes(4096))


def text(path: Path) -> None:
    path.write_text("this is no model")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.onnx")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def weights_missing(path: Path) -> None:
    path.write_bytes(_external("weights.bin"))


def weights_outside(path: Path) -> None:
    (path.parent.parent / "weights.bin").write_bytes(b"\0" * 432)
    path.write_bytes(_external("../weights.bin"))


def _external(place: str) -> bytes:
    weights = graphs.tensor("w", (4, 3, 3, 3), external={"location": place, "length": "432"})
    conv = graphs.node("Conv", ["x", "w"], ["y"])
    return graphs.model(graphs.graph([conv], [graphs.value("x")], [graphs.value("y", (1, 4, 6, 6))], [weights]))


SOURCES: list[tuple[Callable[[Path], None], str]] = [
    (missing, "source-missing"),
    (empty, "source-empty"),
    (folder, "unknown-format"),
    (empty_folder, "source-empty"),
    (truncated, "onnx-damaged"),
    (noise, "unknown-format"),
    (text, "unknown-format"),
    (dangling, "source-missing"),
    (pipe, "source-unreadable"),
    (weights_missing, "onnx-external-data-missing"),
    (weights_outside, "onnx-external-data-outside"),
]


@pytest.mark.parametrize("command", ["convert", "plan", "check", "inspect"])
@pytest.mark.parametrize(("make", "name"), SOURCES, ids=lambda v: getattr(v, "__name__", ""))
def test_a_source_that_cannot_be_used(edgeroute: Call, command: str, make: Callable[[Path], None], name: str) -> None:
    source = Path("model.onnx")
    make(source)
    Path("out.tflite").write_text("precious")
    before = tree(Path.cwd())
    target = () if command == "inspect" else ("--to", "artpec9")
    out = ("--out", "out.tflite") if command == "convert" else ()
    complaint(edgeroute(command, source, *target, *out), SourceError.exit_code, name)
    assert tree(Path.cwd()) == before
    assert not list(Path("../home/staging").glob("*"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


def test_the_nearest_file_is_offered(edgeroute: Call) -> None:
    shutil.copy(DIGITS, "digits.onnx")
    assert "did you mean digits.onnx?" in edgeroute("convert", "digit.onnx", "--to", "artpec9").err


def test_a_wrong_suffix_does_not_matter(edgeroute: Call) -> None:
    shutil.copy(DIGITS, "digits.tflite")
    said = edgeroute("inspect", "digits.tflite", "--json", "--offline")
    assert said.code == 0 and said.json["format"] == "onnx"


def test_an_unknown_target_offers_the_nearest(edgeroute: Call) -> None:
    shutil.copy(DIGITS, "digits.onnx")
    said = edgeroute("convert", "digits.onnx", "--to", "artpec10")
    complaint(said, UsageError.exit_code, "unknown-target")
    assert "did you mean artpec" in said.err


@pytest.mark.parametrize(
    ("words", "name", "hint"),
    [
        (("--via", "onnx2tff"), "unknown-converter", "did you mean onnx2tf?"),
        (("--avoid", "onnxslm"), "unknown-converter", "did you mean onnxslim?"),
        (("--set", "onnxslim.simplfy=false"), "unknown-option", "did you mean onnxslim.simplify?"),
        (("--set", "onnxslim"), "bad-setting", "--set "),
        (("--set", "onnxslim.simplify=perhaps"), "bad-option-value", "onnxslim.simplify=true"),
        (("--input-shape", "1,3,-1,5"), "bad-shape", "--input-shape "),
        (("--input-shape", "picture:1,3,32,32"), "unknown-input", "image"),
        (("--input-shape", "image:1,3,32"), "bad-shape", "--input-shape image:"),
        (("--input-shape", "1,3,99999999,9"), "bad-shape", "--input-shape image:1,3,32,32"),
        (("--preprocess", "imagenett"), "usage-error", "imagenet"),
        (("--speed", "high"), "bad-arguments", "--help"),
        (("--time-limit", "-3"), "bad-arguments", "more than 0 seconds"),
        (("--time-limit", "nan"), "bad-arguments", "more than 0 seconds"),
        (("--memory-limit", "-1"), "bad-arguments", "whole number of megabytes"),
    ],
    ids=lambda v: v[-1] if isinstance(v, tuple) else "",
)
def test_words_that_make_no_sense(edgeroute: Call, words: tuple[str, ...], name: str, hint: str) -> None:
    shutil.copy(DIGITS, "digits.onnx")
    said = edgeroute("convert", "digits.onnx", "--to", "artpec9", *words)
    complaint(said, UsageError.exit_code, name)
    assert hint in said.err
    assert list(tree(Path.cwd())) == ["digits.onnx"]


@pytest.mark.parametrize(
    "words",
    [
        ("--preprocess", "-1..1"), ("--mean", "-0.5,0,0.5", "--std", "0.5"), ("--mean", "-.5"), ("--preprocess=-1..1",),
    ],
    ids=lambda words: " ".join(words),
)  # fmt: skip
def test_a_value_may_begin_with_a_minus(edgeroute: Call, words: tuple[str, ...]) -> None:
    shutil.copy(DIGITS, "digits.onnx")
    said = edgeroute("convert", "digits.onnx", "--to", "artpec9", "--avoid", "onnxslim", *words)
    complaint(said, PlanError.exit_code, "no-route")  # the words were understood; there is only no such route


def test_a_plan_takes_shapes_as_a_conversion_does(edgeroute: Call) -> None:
    shutil.copy(DIGITS, "digits.onnx")
    assert edgeroute("plan", "digits.onnx", "--to", "artpec9", "--input-shape", "image:1,3,32,32").code == 0
    complaint(
        edgeroute("plan", "digits.onnx", "--to", "artpec9", "--input-shape", "picture:1,1,8,8"), UsageError.exit_code, "unknown-input"
    )


def test_an_unknown_command_offers_the_nearest(edgeroute: Call) -> None:
    said = edgeroute("convrt", "m.onnx")
    complaint(said, UsageError.exit_code, "unknown-command")
    assert "did you mean convert?" in said.err


def test_an_impossible_route_says_why_each_edge_was_left_out(edgeroute: Call) -> None:
    shutil.copy(DIGITS, "digits.onnx")
    said = edgeroute("convert", "digits.onnx", "--to", "artpec9", "--avoid", "onnxslim")
    complaint(said, PlanError.exit_code, "no-route")
    assert "onnxslim:onnx->onnx-static: you asked to avoid it" in said.err
    assert "drop it from `--avoid onnxslim`" in said.err


def test_a_dead_end_says_what_the_device_loads(edgeroute: Call) -> None:
    said = edgeroute("plan", "tflite-edgetpu", "--to", "artpec9")
    complaint(said, PlanError.exit_code, "no-route")
    assert "tflite-int8" in said.err


@pytest.mark.parametrize(
    ("out", "name"),
    [("model.toy", "output-is-source"), ("folder", "output-is-folder"), ("file/out.toy", "output-unwritable")],
)
def test_an_output_that_cannot_be_written(toy: Call, out: str, name: str) -> None:
    Path("file").write_text("no folder")
    Path("folder", "model.toy-device.toy").mkdir(parents=True)
    before = tree(Path.cwd())
    complaint(toy("convert", "model.toy", "--to", "toy-device", "--out", out), OutputError.exit_code, name)
    assert tree(Path.cwd()) == before


@pytest.mark.parametrize(("report", "code"), [("r.pdf", UsageError.exit_code), ("nowhere/r.html", OutputError.exit_code)])
def test_a_report_that_cannot_be_written_is_told_before_any_work(toy: Call, report: str, code: int) -> None:
    said = toy("convert", "model.toy", "--to", "toy-device", "--report", report)
    assert said.code == code
    assert list(tree(Path.cwd())) == ["model.toy"] and not Path("../home/steps").exists()


@pytest.mark.parametrize(
    ("mood", "code", "name"),
    [
        ("raises", ConverterFailed.exit_code, "toy-operator"),
        ("crashes", ConverterFailed.exit_code, "converter-exited"),
        ("silent", ConverterFailed.exit_code, "converter-wrote-nothing"),
        ("garbage", VerificationFailed.exit_code, "step-unreadable"),
        ("wrong_numbers", VerificationFailed.exit_code, "float-differs"),
    ],
)
def test_a_conversion_that_fails_leaves_the_old_result(toy: Call, mood: str, code: int, name: str) -> None:
    Path("old.toy").write_text("precious")
    before = tree(Path.cwd())
    moods = [word for edge in ("first-ab", "second-ab") for word in ("--set", f"{edge}.mood={mood}")]
    said = toy("convert", "model.toy", "--to", "toy-device", "--out", "old.toy", "--via", "first-ab", *moods)
    complaint(said, code, name)
    assert tree(Path.cwd()) == before
    assert not list(Path("../home/staging").glob("*"))


def test_json_errors_are_one_object_on_stdout(edgeroute: Call) -> None:
    said = edgeroute("convert", "missing.onnx", "--to", "artpec9", "--json")
    assert said.code == SourceError.exit_code
    assert said.json["error"]["code"] == "source-missing" and said.json["error"]["exit_code"] == said.code


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, "source-missing", "there is no file r.json"),
        ("no JSON", "result-unreadable", "r.json holds no result of a conversion: it is no JSON"),
        ('{"schema": "edgeroute-plan/1"}', "result-unreadable", "has no field 'schema'"),
    ],
)
def test_blame_of_what_is_no_result_says_what_to_give(edgeroute: Call, content: str | None, code: str, said: str) -> None:
    if content is not None:
        Path("r.json").write_text(content)
    answer = edgeroute("blame", "r.json")
    complaint(answer, SourceError.exit_code, code)
    assert said in answer.err and "two model files" in answer.err and "Errno" not in answer.err


def test_a_disk_that_is_full_is_no_bug(edgeroute: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/there/steps/file")

    monkeypatch.setattr(shared, "open_workshop", full)
    said = edgeroute("list", "targets")
    complaint(said, EnvironmentFailed.exit_code, "disk-full")
    assert "/there/steps" in said.err and "EDGEROUTE_HOME=" in said.err
