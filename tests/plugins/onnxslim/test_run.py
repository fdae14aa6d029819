"""onnxslim on real files: shapes pinned, numbers kept, names kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeroute.types import Facts
from edgeroute_plugins.onnxslim.options import Options
from edgeroute_plugins.onnxslim.preflight import preflight
from tests.plugins import real_tools

SLIM = real_tools.edge("onnxslim", "onnxslim", "onnx")


def saved(name: str, folder: Path) -> Path:
    path = folder / f"{name}.onnx"
    real_tools.call("runtime", "tests.nets.onnx_nets:save", {"name": name, "path": str(path)}, folder)
    return path


def described(path: Path, folder: Path) -> Any:
    return real_tools.call("runtime", "tests.nets.onnx_nets:describe", {"path": str(path)}, folder)


def test_an_opset_before_onnxruntimes_is_refused_before_the_run() -> None:
    (finding,) = preflight(Facts(details={"opset": 6}), Options())
    assert finding.code == "onnx-opset" and "7" in finding.remedy
    assert preflight(Facts(details={"opset": 8}), Options()) == []


@pytest.mark.real
def test_open_dimensions_are_pinned_as_the_user_says(tmp_path: Path) -> None:
    source, out = saved("classifier", tmp_path), tmp_path / "out" / "static.onnx"
    out.parent.mkdir()
    facts = real_tools.convert(SLIM, source, out, input_shapes={"image": [1, 3, 32, 48]})
    found = described(out, tmp_path)
    assert found["inputs"] == {"image": [1, 3, 32, 48]} and found["outputs"] == {"scores": [1, 10]}
    assert facts.notes["simplified"] == "onnxslim"
    pinned = tmp_path / "pinned.onnx"
    real_tools.convert(SLIM, source, pinned, input_shapes={"image": [1, 3, 32, 48]}, simplify=False)
    assert real_tools.difference(("onnx", pinned), ("onnx", out), tmp_path) < 1e-5


@pytest.mark.real
def test_what_the_file_leaves_open_is_asked_for(tmp_path: Path) -> None:
    error = real_tools.refuse(SLIM, saved("classifier", tmp_path), tmp_path / "static.onnx")
    assert error["remedy"].startswith("--input-shape image:1,3,H,W") and error["code"] == "input-shape-needed"


@pytest.mark.real
def test_old_files_lose_their_false_inputs_and_nonsense_shapes(tmp_path: Path) -> None:
    source, out = saved("old_style", tmp_path), tmp_path / "static.onnx"
    facts = real_tools.convert(SLIM, source, out, input_shapes={"data_0": [1, 3, 24, 16]})
    found = described(out, tmp_path)
    assert found["inputs"] == {"data_0": [1, 3, 24, 16]}
    assert found["outputs"] == {"heat": [1, 2, 24, 16], "mask": [1, 1, 24, 16]}
    assert found["opset"] == 13 and "BatchNormalization" not in found["operators"]
    assert facts.notes["initializers_that_were_inputs"] == 8 and facts.notes["overridden"]


@pytest.mark.real
def test_a_shared_batch_is_pinned_in_every_input(tmp_path: Path) -> None:
    out = tmp_path / "static.onnx"
    real_tools.convert(SLIM, saved("two_inputs", tmp_path), out)
    found = described(out, tmp_path)
    assert list(found["inputs"].items()) == [("image", [1, 3, 16, 16]), ("extra", [1, 4])]


@pytest.mark.real
def test_an_output_that_depends_on_the_data_is_named(tmp_path: Path) -> None:
    error = real_tools.refuse(SLIM, saved("data_dependent", tmp_path), tmp_path / "static.onnx")
    assert error["code"] == "dynamic-output" and "NonZero" in error["message"] and error["where"] == "places"


@pytest.mark.real
def test_a_size_that_the_network_cannot_take_is_told_as_the_users_matter(tmp_path: Path) -> None:
    error = real_tools.refuse(SLIM, saved("detector", tmp_path), tmp_path / "static.onnx", input_shapes={"/images:0": [1, 3, 30, 30]})
    assert error["code"] == "onnx-does-not-run" and "--input-shape" in error["remedy"]


def with_external_weights(folder: Path, threshold: int) -> Path:
    source = folder / f"split-{threshold}" / "net.onnx"
    source.parent.mkdir()
    arguments = {"path": str(source), "data": "weights.bin", "threshold": threshold}
    real_tools.call("runtime", "tests.nets.onnx_nets:save_external", arguments, folder)
    return source


@pytest.mark.real
def test_external_weights_come_into_the_file_while_they_are_small(tmp_path: Path) -> None:
    source, out = with_external_weights(tmp_path, 64), tmp_path / "static.onnx"
    real_tools.convert(SLIM, source, out)
    assert not (out.parent / "weights.bin").exists()
    assert real_tools.difference(("onnx", source), ("onnx", out), tmp_path) < 1e-5


@pytest.mark.real
@pytest.mark.parametrize("threshold", [0, 64])
def test_external_weights_that_are_too_large_stay_beside_the_file(tmp_path: Path, threshold: int) -> None:
    source, out = with_external_weights(tmp_path, threshold), tmp_path / "out" / "static.onnx"
    out.parent.mkdir()
    real_tools.call("runtime", "tests.plugins.onnxslim.large:pin_as_if_large", {"source": str(source), "out": str(out)}, tmp_path)
    found = described(out, tmp_path)
    assert "weights.bin" in found["beside"] and found["outputs"] == {"/boxes:0": [1, 256, 6]}
    assert real_tools.difference(("onnx", saved("detector", tmp_path)), ("onnx", out), tmp_path) < 1e-6
