"""The float model on pictures with noise: the decibels that are left are those that arithmetic says, in the file's own outputs and parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def ask(
    runner: str, source: str, file: str, calibration: Json, reference: str, tensors: list[Tensor], preprocess: Preprocess, **more: Any
) -> list[tuple[float, dict[str, float]]]:
    """The levels, by the two calls that a conversion makes."""
    compared = shaking.heads(RUNNER, file, calibration, reference)
    arguments = {"inputs": to_json(tensors), "preprocess": to_json(preprocess), "targets": {"y": -300.0}, **compared, **more}
    found = shaking.shaken(runner, source, calibration, reference, **arguments)["levels"]
    return [(amplitude, left) for amplitude, left in found]


def test_a_real_network_loses_what_its_weights_and_the_preprocessing_say(tmp_path: Path) -> None:
    source = network(tmp_path / "m.onnx")
    made = samples.prepare(pictures(tmp_path / "p"), to_json([PICTURE]), to_json(IMAGENET), str(tmp_path / "s"))["calibration"]
    reference = str(tmp_path / "reference")
    execute.reference(ONNXRUNTIME, source, made, reference)
    compared = {"heads": [{"label": "y", "reference": 0, "cut": None, "joined": []}], "rows": list(range(8))}
    levels = shaking.shaken(ONNXRUNTIME, source, made, reference, to_json([PICTURE]), to_json(IMAGENET), targets={"y": -300.0}, **compared)[
        "levels"
    ]
    answers = np.load(tmp_path / "reference" / "0.npy")
    assert answers.shape[0] == 8, "held back of 24"
    per_level = float(((WEIGHTS * IMAGENET.scale / np.array(IMAGENET.std)) ** 2).sum())
    assert [a for a, _ in levels] == [0.5, 1.0, 2.0, 4.0, 8.0]
    for amplitude, left in levels:
        said = 10 * np.log10(float((answers.astype(np.float64) ** 2).mean()) / (per_level * amplitude**2 / 3))
        assert left["y"] == pytest.approx(said, abs=0.3)
    again = shaking.shaken(ONNXRUNTIME, source, made, reference, to_json([PICTURE]), to_json(IMAGENET), targets={"y": -300.0}, **compared)
    assert again["levels"] == levels, "the noise is seeded"
    fewer = shaking.shaken(ONNXRUNTIME, source, made, reference, to_json([PICTURE]), to_json(IMAGENET), targets={"y": 43.0}, **compared)
    enough = next(i for i, (_, left) in enumerate(levels) if left["y"] < 43.0)
    assert fewer["levels"] == levels[: enough + 1] and enough < 4


def test_the_parts_are_those_of_the_files_own_verification(tmp_path: Path) -> None:
    """A joined head, and the same in two outputs: each name that the file is judged by is measured."""
    given = floats("x", 1, 3, 16, 16)
    calibration = fakes.prepared(tmp_path, given)
    source = fakes.write(tmp_path, "detector", [given], [floats("head", 1, 6, 64)])
    reference = fakes.referred(tmp_path, source, calibration)
    parts = [bytes_of("boxes", (1, 4, 64), 0, 400), bytes_of("scores", (1, 2, 64), 0, 1)]
    split = fakes.write(tmp_path, "split_detector", [given], parts)
    turned = fakes.write(tmp_path, "turned_detector", [given], [bytes_of("head", (1, 64, 6), 0, 400)])
    for file in (split, turned):
        judged = [o["name"] for o in execute.measure(RUNNER, file, calibration, reference, "int8")["outputs"]]
        assert len(judged) >= 2
        targets = dict.fromkeys(judged, -300.0)
        levels = ask(RUNNER, source, file, calibration, reference, [given], PRESETS["0..1"], targets=targets)
        assert all(set(left) == set(judged) for _, left in levels) and len(levels) == 5


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
    found = shaking.shaken("nobody:knows", "missing", empty, "nowhere", to_json(inputs), to_json(IMAGENET), [], [], {})
    assert found == {"levels": []}
