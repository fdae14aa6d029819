"""The float model on pictures with noise: the decibels that are left are those that arithmetic says, in the file's own outputs and parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgeroute.types import Json, Preprocess, Tensor, to_json
from edgeroute.verify import execute, samples, shaking
from edgeroute.verify.preprocess import PRESETS
from tests.core.verify import fakes
from tests.core.verify.fakes import RUNNER, bytes_of, floats

ONNXRUNTIME = "edgeroute_plugins.onnx.run:load"
PICTURE = floats("x", 1, 3, 16, 16)
IMAGENET = PRESETS["imagenet"]
WEIGHTS = np.array([1.0, -2.0, 0.5], np.float32)


def pictures(folder: Path, count: int = 24) -> str:
    generator = np.random.default_rng(1)
    folder.mkdir()
    for i in range(count):
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{i:02}.png")
    return str(folder)


def network(path: Path) -> str:
    """y = the weighted sum of the three channels, a real ONNX file."""
    kernel = numpy_helper.from_array(WEIGHTS.reshape(1, 3, 1, 1), "w")
    borders = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c, 16, 16]) for n, c in (("x", 3), ("y", 1))]
    graph = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"])], "sum", borders[:1], borders[1:], [kernel])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return str(path)


def sum_of_channels(folder: Path, count: int = 24) -> tuple[str, Json, str]:
    """The network, its samples (a third of them held back), and the folder of its own answers."""
    source = network(folder / "m.onnx")
    made = samples.prepare(pictures(folder / "p", count), to_json([PICTURE]), to_json(IMAGENET), str(folder / "s"))["calibration"]
    execute.reference(ONNXRUNTIME, source, made, str(folder / "reference"))
    return source, made, str(folder / "reference")


def file_that_keeps(db: float) -> Json:
    return {"heads": [{"label": "y", "reference": 0, "cut": None, "joined": []}], "rows": list(range(8)), "sqnr_db": {"y": db}}


def test_a_real_network_loses_what_its_weights_and_the_preprocessing_say(tmp_path: Path) -> None:
    source, made, reference = sum_of_channels(tmp_path)
    answers = np.load(tmp_path / "reference" / "0.npy").astype(np.float64)
    assert answers.shape[0] == 8, "held back of 24"
    noise = float(((WEIGHTS * IMAGENET.scale / np.array(IMAGENET.std)) ** 2).sum()) / 3

    def levels(kept: float) -> Json:
        arguments = {"inputs": to_json([PICTURE]), "preprocess": to_json(IMAGENET), "file": file_that_keeps(kept), "outputs": ["y", "gone"]}
        return shaking.shaken(ONNXRUNTIME, source, made, reference, **arguments)["levels"]

    for kept, amplitudes in ((-300.0, [2.0, 4.0, 8.0]), (300.0, [0.5, 1.0, 2.0])):
        found = levels(kept)
        assert [a for a, _ in found] == amplitudes and found == levels(kept), "the noise is seeded"
        for amplitude, left in found:
            assert left == {"y": pytest.approx(10 * np.log10((answers**2).mean() / (noise * amplitude**2)), abs=0.3)}


def test_the_samples_and_the_parts_are_those_of_the_file(tmp_path: Path) -> None:
    """A joined head, turned and in two outputs: each name that the file is judged by is measured, on the same pictures."""
    given = floats("x", 1, 3, 16, 16)
    calibration = fakes.prepared(tmp_path, given, count=60)
    source = fakes.write(tmp_path, "detector", [given], [floats("head", 1, 6, 64)])
    reference = fakes.referred(tmp_path, source, calibration)
    parts = [bytes_of("boxes", (1, 4, 64), 0, 400), bytes_of("scores", (1, 2, 64), 0, 1)]
    split = fakes.write(tmp_path, "split_detector", [given], parts)
    turned = fakes.write(tmp_path, "turned_detector", [given], [bytes_of("head", (1, 64, 6), 0, 400)])
    for file in (split, turned):
        judged = {o["name"]: o["sqnr_db"] for o in execute.measure(RUNNER, file, calibration, reference, "int8")["outputs"]}
        known = shaking.again(RUNNER, file, calibration, reference)
        assert len(judged) >= 2 and known["sqnr_db"].keys() == judged.keys()
        last = execute.measure(RUNNER, file, calibration, reference, "int8", limit=shaking.PICTURES)
        assert known["sqnr_db"] == {o["name"]: pytest.approx(o["sqnr_db"]) for o in last["outputs"]}
        assert known["sqnr_db"] != judged, "fewer pictures"
        arguments = {"inputs": to_json([given]), "preprocess": to_json(PRESETS["0..1"]), "file": known, "outputs": list(judged)}
        levels = shaking.shaken(RUNNER, source, calibration, reference, **arguments)["levels"]
        assert levels and all(left.keys() == judged.keys() for _, left in levels)


def test_a_short_measurement_of_all_pictures_is_the_long_one(tmp_path: Path) -> None:
    given = floats("x", 1, 3, 16, 16)
    calibration = fakes.prepared(tmp_path, given)
    source = fakes.write(tmp_path, "detector", [given], [floats("head", 1, 6, 64)])
    reference = fakes.referred(tmp_path, source, calibration)
    file = fakes.write(tmp_path, "turned_detector", [given], [bytes_of("head", (1, 64, 6), 0, 400)])
    judged = execute.measure(RUNNER, file, calibration, reference, "int8")
    assert judged["samples"] == 4
    assert shaking.again(RUNNER, file, calibration, reference)["sqnr_db"] == {o["name"]: o["sqnr_db"] for o in judged["outputs"]}


def test_only_the_picture_is_shaken() -> None:
    other = Tensor("size", (1, 2), "float32")
    shaker = shaking.shaker_of([other, PICTURE], IMAGENET)
    assert shaker is not None and shaker.position == 1
    values = [np.ones((2,), np.float32), np.zeros((3, 16, 16), np.float32)]
    moved = shaker.shake(values, 2.0, seed=3)
    assert (moved[0] == values[0]).all() and moved[1].dtype == np.float32 and not values[1].any()
    grey = moved[1] / (IMAGENET.scale / np.array(IMAGENET.std)).reshape(3, 1, 1)
    assert np.abs(grey).max(axis=(1, 2)).min() > 1.9 and np.abs(grey).max() <= 2.0 + 1e-5
    assert np.allclose(shaker.shake(values, 4.0, seed=3)[1], 2 * moved[1])
    assert not np.array_equal(shaker.shake(values, 2.0, seed=4)[1], moved[1])


def test_channels_at_the_end_have_their_own_deviation() -> None:
    shaker = shaking.shaker_of([floats("x", 1, 16, 16, 3)], Preprocess(std=(1.0, 10.0, 100.0), known=True))
    assert shaker is not None
    (moved,) = shaker.shake([np.zeros((16, 16, 3), np.float32)], 1.0, seed=0)
    assert (np.abs(moved).max(axis=(0, 1)) <= [1.0, 0.1, 0.01]).all() and (np.abs(moved).max(axis=(0, 1)) > [0.9, 0.09, 0.009]).all()


def test_preprocessing_that_nobody_stated_is_that_of_the_samples() -> None:
    shaker = shaking.shaker_of([PICTURE], Preprocess())
    assert shaker is not None and shaker.step == pytest.approx(1 / 255)


@pytest.mark.parametrize(
    "inputs",
    [
        [floats("features", 1, 40)],
        [Tensor("x", (1, 16, 16, 3), "uint8")],
        [PICTURE, floats("second", 1, 3, 16, 16)],
        [floats("x", 1, 7, 16, 16)],
        [],
    ],
    ids=["vector", "bytes", "two-pictures", "seven-channels", "none"],
)
def test_where_no_input_is_the_only_picture_of_real_numbers_nothing_is_run(tmp_path: Path, inputs: list[Tensor]) -> None:
    assert shaking.shaker_of(inputs, IMAGENET) is None
    empty = to_json(samples.Calibration(tmp_path, ("x",), 8, 4))
    found = shaking.shaken("nobody:knows", "missing", empty, "nowhere", to_json(inputs), to_json(IMAGENET), file_that_keeps(9.0), ["y"])
    assert found == {"levels": []}
