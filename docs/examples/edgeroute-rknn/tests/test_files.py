"""Projects and compiled files are read without the toolkit: what is in them, and what is damaged."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from edgeroute_rknn import container, project
from edgeroute_rknn.check import check
from edgeroute_rknn.plugin import edgeroute_recognize, edgeroute_targets

from edgeroute.errors import SourceError
from edgeroute.types import Artifact, Tensor

TARGETS = {t.name: t for t in edgeroute_targets()}
TENSORS = [
    {"url": "image", "size": [1, 3, 8, 8], "dtype": {"vx_type": "int8"}},
    {"url": "scores", "size": [1, 4], "dtype": {"vx_type": "int8"}},
]


def compiled(folder: Path, *chips: str) -> Path:
    table = json.dumps({"target_platform": chips, "norm_tensor": TENSORS, "input_num": 1, "version": "2.5.0"}).encode()
    path = folder / "model.rknn"
    path.write_bytes(container.HEAD.pack(container.MAGIC, 6, 100) + bytes(40 + 100) + struct.pack("<Q", len(table)) + table)
    return path


def test_a_compiled_file_says_its_chip_and_its_ends(tmp_path: Path) -> None:
    found = edgeroute_recognize(compiled(tmp_path, "rk3566", "rk3568"))
    assert found is not None and found.format == "rknn-rk3566"
    assert [(t.name, t.shape, t.dtype) for t in (*found.facts.inputs, *found.facts.outputs)] == [
        ("image", (1, 3, 8, 8), "int8"), ("scores", (1, 4), "int8"),
    ]  # fmt: skip
    other = edgeroute_recognize(compiled(tmp_path, "rv1126"))
    assert other is not None and other.format == "rknn"


@pytest.mark.parametrize("size", [10, 30, 150, 180, 240])
def test_damage_is_named(tmp_path: Path, size: int) -> None:
    path = compiled(tmp_path, "rk3588")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(SourceError, match="damaged"):
        edgeroute_recognize(path)


def test_the_wrong_chip_and_an_old_runtime_are_errors(tmp_path: Path) -> None:
    facts = container.facts(container.read(compiled(tmp_path, "rk3588")))
    artifact = Artifact(tmp_path / "model.rknn", "rknn-rk3588", "0" * 64, 1, facts)
    assert check(artifact, TARGETS["rk3588"], {}).ok
    assert [f.code for f in check(artifact, TARGETS["rk3566"], {}).findings] == ["RK-001"]
    assert [f.code for f in check(artifact, TARGETS["rk3588"], {"runtime": {"rknn": "2.3.2"}}).findings] == ["RK-002"]


def test_a_project_is_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    assert edgeroute_recognize(folder) is None
    project.write(folder, {"algorithm": "normal"}, [Tensor("x", (1, 3), "float32")], [Tensor("y", (1, 2), "float32")], 3)
    with pytest.raises(SourceError, match=r"model.onnx, dataset.txt"):
        edgeroute_recognize(folder)
    (folder / "model.onnx").write_bytes(b"x")
    (folder / "dataset.txt").write_text("")
    found = edgeroute_recognize(folder)
    assert found is not None and found.format == "rknn-project" and found.facts.inputs[0].shape == (1, 3)
    artifact = Artifact(folder, "rknn-project", "0" * 64, 1, found.facts)
    assert [f.code for f in check(artifact, TARGETS["rk3588"], {"phase": "before-compile"}).findings] == ["RK-003"]
