"""The edges from file to file, with samples on disk as core hands them over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from edgeroute.errors import ConverterFailed, UsageError
from edgeroute.types import Calibration, Preprocess
from edgeroute_plugins.prepare import exact, run
from edgeroute_plugins.prepare.options import CameraOptions, CutOptions, EqualizeOptions, PrepareOptions, SplitOptions
from edgeroute_plugins.prepare.plugin import edgeroute_converters, edgeroute_formats
from tests.plugins.prepare.builders import Net
from tests.plugins.prepare.test_caps import depthwise
from tests.plugins.prepare.test_heads import yolo


def written(model: onnx.ModelProto, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "source.onnx"
    onnx.save(model, str(path))
    return path


def calibration(folder: Path, shape: tuple[int, ...], count: int = 6) -> Calibration:
    np.save(folder / "0.npy", np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32))
    return Calibration(folder, ("x",), count, held_back=2)


def swishy() -> onnx.ModelProto:
    net = Net()
    y = net.add("HardSwish", net.conv("x", 3, 8, spread=1.5))
    return net.model(net.conv(y, 8, 2))


def test_declared_functions_exist() -> None:
    for converter in edgeroute_converters():
        module, _, function = converter.run.partition(":")
        assert module == run.__name__
        assert callable(getattr(run, function))
    assert {f.name for f in edgeroute_formats()} >= {c.target for c in edgeroute_converters()}


def test_prepare_then_equalize(tmp_path: Path) -> None:
    model = swishy()
    data = calibration(tmp_path, (3, 8, 8))
    facts = run.prepare(written(model, tmp_path), tmp_path / "prepared.onnx", PrepareOptions(calibration=data))
    assert facts.notes["passes"]["spell_hard_swish"] == 1
    options = EqualizeOptions(calibration=data, samples=4, steps=60)
    facts = run.equalize(tmp_path / "prepared.onnx", tmp_path / "equalized.onnx", options)
    assert facts.notes["gates"] == 1
    assert facts.notes["equalization"]["after"] < facts.notes["equalization"]["before"]
    last = onnx.load(str(tmp_path / "equalized.onnx"))
    assert min(exact.fidelity(model, last, exact.made_up(model)).values()) > 100


def test_caps_are_opened_when_asked(tmp_path: Path) -> None:
    data, source = calibration(tmp_path, (3, 8, 8)), written(depthwise(), tmp_path)
    for asked, count in (("keep", 0), ("below", 0), ("minimum", 2)):
        options = EqualizeOptions(calibration=data, samples=4, steps=60, caps=asked)
        assert run.equalize(source, tmp_path / "out.onnx", options).notes["caps"] == count


def test_a_network_with_caps_is_worth_trying_without(tmp_path: Path) -> None:
    data, capped = calibration(tmp_path, (3, 8, 8)), written(depthwise(), tmp_path)
    free = written(swishy(), tmp_path / "free")
    for path, caps, wanted in ((capped, "keep", ["minimum", "below"]), (capped, "below", []), (free, "keep", [])):
        options = EqualizeOptions(calibration=data, samples=4, steps=20, caps=caps)
        also = run.equalize(path, tmp_path / "out.onnx", options).notes["also"]
        assert [a["caps"] for a in also if "caps" in a] == wanted


def test_early_layers_that_can_be_computed_twice_are_named_until_they_are(tmp_path: Path) -> None:
    data, net = calibration(tmp_path, (3, 8, 8)), Net()
    y = net.add("Relu", net.conv("x", 3, 8))
    for _ in range(16):
        y = net.add("Relu", net.conv(y, 8, 8))
    source = written(net.model(net.conv(y, 8, 2)), tmp_path)
    for fine, wanted in ((0.0, [{"fine": 0.15}]), (0.15, [])):
        options = EqualizeOptions(calibration=data, samples=4, steps=20, fine=fine)
        notes = run.equalize(source, tmp_path / "out.onnx", options).notes
        assert notes["also"] == wanted and bool(notes["fine"]) == bool(fine)


def test_samples_in_the_other_layout_are_turned(tmp_path: Path) -> None:
    data = calibration(tmp_path, (8, 8, 3))
    source = written(swishy(), tmp_path)
    run.prepare(source, tmp_path / "out.onnx", PrepareOptions(calibration=data))
    assert (tmp_path / "out.onnx").exists()


def test_camera_notes_that_pixels_go_in(tmp_path: Path) -> None:
    options = CameraOptions(preprocess=Preprocess(1 / 255, known=True))
    facts = run.camera(written(swishy(), tmp_path), tmp_path / "out.onnx", options)
    assert facts.notes["raw_pixels"] is True


def test_split_notes_the_contract(tmp_path: Path) -> None:
    data = calibration(tmp_path, (3, 16, 16))
    facts = run.split_heads(written(yolo(), tmp_path), tmp_path / "out.onnx", SplitOptions(calibration=data))
    assert facts.notes["splits"] == [{"output": "out", "axis": 1, "parts": ("out_0", "out_1"), "sizes": (4, 3)}]


def test_cut_notes_what_it_dropped(tmp_path: Path) -> None:
    model = yolo()
    inner = model.graph.node[1].output[0]
    facts = run.cut(written(model, tmp_path), tmp_path / "out.onnx", CutOptions(at=(inner,)))
    assert facts.notes["cut"] == {"outputs": [inner], "dropped": ["out"]}


def test_what_needs_samples_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no samples"):
        run.equalize(written(swishy(), tmp_path), tmp_path / "out.onnx", EqualizeOptions())


def test_nothing_to_split_is_said(tmp_path: Path) -> None:
    data = calibration(tmp_path, (3, 8, 8))
    with pytest.raises(ConverterFailed) as caught:
        run.split_heads(written(swishy(), tmp_path), tmp_path / "out.onnx", SplitOptions(calibration=data))
    assert caught.value.code == "split-nothing"


def test_a_change_is_no_success() -> None:
    with pytest.raises(ConverterFailed) as caught:
        exact.require_exact({"good": 120.0, "bad": 30.0}, "prepare")
    assert caught.value.code == "preparation-inexact"
    assert "bad" in caught.value.message
