"""Both onnx2tf edges on real files: numbers, names, order and shapes are the source's, images come channels-last."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from edgeroute_plugins.tflite import reader
from tests.plugins import real_tools

SLIM = real_tools.edge("onnxslim", "onnxslim", "onnx")
EDGES = {name: real_tools.edge("onnx2tf", name, "onnx-static", "tflite") for name in ("onnx2tf", "onnx2tf-savedmodel")}
SAVED_MODEL = real_tools.edge("onnx2tf", "onnx2tf-savedmodel", "onnx-static", "savedmodel")
SHAPES = {"classifier": {"image": [1, 3, 32, 48]}, "old_style": {"data_0": [1, 3, 24, 16]}}
BORDERS = {
    "classifier": {"image": (1, 32, 48, 3), "scores": (1, 10)},
    "old_style": {"data_0": (1, 24, 16, 3), "heat": (1, 24, 16, 2), "mask": (1, 24, 16, 1)},
    "detector": {"/images:0": (1, 32, 32, 3), "/boxes:0": (1, 256, 6)},
    "agnostic": {"image": (1, 16, 24, 3), "result": (1, 16, 26, 4)},
    "channels_last": {"picture": (1, 16, 16, 3), "scores": (1, 5)},
    "doubles": {"image": (1, 16, 16, 3), "found": (1, 6, 64)},
    "recurrent": {"series": (1, 12, 4), "scores": (1, 5)},
    "smooth": {"image": (1, 16, 16, 3), "scores": (1, 6)},
    "two_inputs": {"image": (1, 16, 16, 3), "extra": (1, 4), "result": (1, 3)},
}


@functools.cache
def static(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="edgeroute-static-"))
    source, out = folder / f"{name}.onnx", folder / f"{name}-static.onnx"
    real_tools.call("runtime", "tests.nets.onnx_nets:save", {"name": name, "path": str(source)}, folder)
    real_tools.convert(SLIM, source, out, input_shapes=SHAPES.get(name, {}))
    return out


def check(edge: str, name: str, folder: Path) -> reader.Model:
    source, out = static(name), folder / f"{name}.tflite"
    before = source.read_bytes()
    real_tools.convert(EDGES[edge], source, out)
    assert source.read_bytes() == before
    model = reader.read(out)
    graph = model.subgraphs[0]
    assert {graph.tensors[i].name: graph.tensors[i].shape for i in (*graph.inputs, *graph.outputs)} == BORDERS[name]
    assert [graph.tensors[i].name for i in (*graph.inputs, *graph.outputs)] == list(BORDERS[name])
    (signature,) = model.signatures
    assert [*signature.inputs, *signature.outputs] == list(BORDERS[name])
    assert not any(t.is_dynamic for t in graph.tensors)
    assert real_tools.difference(("onnx", source), ("tflite", out), folder) < 1e-4
    assert not list(folder.glob("onnx2tf-*"))
    return model


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(BORDERS))
def test_the_direct_writer_keeps_the_border_and_the_numbers(name: str, tmp_path: Path) -> None:
    check("onnx2tf", name, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("name", ["agnostic", "detector"])
def test_what_does_not_care_for_the_layout_costs_no_transpositions(name: str, tmp_path: Path) -> None:
    counts = Counter(o.name for o in check("onnx2tf", name, tmp_path).subgraphs[0].operators)
    assert counts["TRANSPOSE"] == 0
    assert counts["RELU"] == 0


@pytest.mark.real
@pytest.mark.parametrize("name", ["detector", "smooth"])
def test_the_way_through_tensorflow_keeps_them_too(name: str, tmp_path: Path) -> None:
    check("onnx2tf-savedmodel", name, tmp_path)


@pytest.mark.real
def test_the_way_through_tensorflow_also_ends_in_a_saved_model(tmp_path: Path) -> None:
    out = tmp_path / "saved"
    facts = real_tools.convert(SAVED_MODEL, static("old_style"), out)
    assert facts.notes["inputs"] == {"data_0": "data_0"} and facts.notes["outputs"] == {"heat": "output_0", "mask": "output_1"}
    assert real_tools.difference(("onnx", static("old_style")), ("savedmodel", out), tmp_path) < 1e-4


@pytest.mark.real
def test_an_operator_that_nobody_knows_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "unknown.onnx", tmp_path / "out.tflite"
    real_tools.call("runtime", "tests.nets.onnx_nets:save", {"name": "unknown", "path": str(source)}, tmp_path)
    error = real_tools.refuse(EDGES["onnx2tf"], source, out)
    assert error["code"] == "custom-operator" and "FROBNICATE" in error["message"].upper()
    assert not list(tmp_path.glob("onnx2tf-*"))
