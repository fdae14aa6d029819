"""The declarations: which devices there are, what they load, and whose files the hook answers for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edgeroute.types import Artifact, Target
from edgeroute_plugins.devices import plugin
from tests.plugins.devices.cases_tflite import sound
from tests.plugins.devices.holding import target
from tests.plugins.devices.onnx_builder import model

ACCEPTS = {
    "artpec7": ("tflite-edgetpu",),
    "artpec7-gpu": ("tflite-int8", "tflite-int8-pt"),
    "artpec8": ("tflite-int8-pt", "tflite-int8"),
    "artpec9": ("tflite-int8", "tflite-int8-pt"),
    "cv25": ("cavalry-cv25",),
    "cv75": ("cavalry-cv75",),
    "cpu": ("tflite", "tflite-int8", "tflite-int8-pt"),
}


def test_the_devices_and_what_they_load() -> None:
    assert {t.name: t.accepts for t in plugin.edgeroute_targets()} == ACCEPTS


def test_larod_knows_the_devices_by_these_names() -> None:
    assert target("artpec9").devices[0] == "a9-dlpu-tflite", "without the axis- of the others"
    assert all(t.devices and "{device}" in t.details["test"] for t in plugin.edgeroute_targets())


def artifact(path: Path, data: bytes, kind: str) -> Artifact:
    path.write_bytes(data)
    return Artifact(path, kind, "", len(data))


def test_strangers_targets_are_not_answered_for(tmp_path: Path) -> None:
    file = artifact(tmp_path / "m.tflite", sound(), "tflite-int8")
    assert plugin.edgeroute_check(file, Target("theirs", "a device", ("tflite-int8",), rules="their.package:rules"), {}) is None
    assert plugin.edgeroute_check(file, target("artpec8"), {}) is not None


def test_an_onnx_file_is_no_matter_for_a_tflite_device(tmp_path: Path) -> None:
    assert plugin.edgeroute_check(artifact(tmp_path / "m.onnx", model(), "onnx"), target("artpec8"), {}) is None


def test_declarations_import_nothing_heavy() -> None:
    code = "import sys, edgeroute_plugins.devices.plugin; print(sorted(m for m in sys.modules if m.split('.')[0] in ('numpy', 'tomllib', 'onnx', 'mmap')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}, check=True)
    assert done.stdout.strip() == "[]"
