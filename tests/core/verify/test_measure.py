"""A file held against the source's answers, with fake runtimes: what passes, what fails, and what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeroute.codec import from_json
from edgeroute.errors import VerificationFailed
from edgeroute.types import Calibration, Json, Tensor, Verification, to_json
from edgeroute.verify import execute, samples, thresholds
from tests.core.verify import fakes
from tests.core.verify.fakes import RUNNER, bytes_of, floats

PICTURE = floats("x", 1, 3, 8, 12)
MAPS, VECTOR = floats("maps", 1, 4, 8, 12), floats("vector", 1, 5)
OBJECT = floats("x", 1, 3, 16, 16)


class Bench:
    """A source with its answers; measures other files against it."""

    def __init__(self, folder: Path, function: str, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        self.folder = folder
        self.calibration = fakes.prepared(folder, *inputs)
        self.source = fakes.write(folder, function, inputs, outputs)
        self.reference = fakes.referred(folder, self.source, self.calibration)

    def measure(self, function: str, inputs: list[Tensor], outputs: list[Tensor], kind: str = "float", **more: object) -> Verification:
        model = fakes.write(self.folder, function, inputs, outputs)
        return from_json(Verification, execute.measure(RUNNER, model, self.calibration, self.reference, kind, **more))  # type: ignore[arg-type]


@pytest.fixture
def heads(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "nchw_head", [PICTURE], [MAPS, VECTOR])


@pytest.fixture
def detectors(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "detector", [OBJECT], [floats("head", 1, 6, 64)])


def codes(verification: Verification) -> set[str]:
    return {f.code for f in verification.findings}


def test_the_source_itself_passes_exactly(heads: Bench) -> None:
    answer = heads.measure("nchw_head", [PICTURE], [MAPS, VECTOR])
    assert answer.status == "passed" and answer.samples == 4 and not answer.findings
    assert [o.sqnr_db for o in answer.outputs] == [200.0, 200.0]
    assert [o.name for o in answer.outputs] == ["maps", "vector"]
    assert answer.outputs[1].top1 == 1.0 and answer.outputs[0].top1 is None


def test_an_nhwc_file_is_fed_and_read_in_its_own_layout(heads: Bench) -> None:
    answer = heads.measure("nhwc_head", [floats("other", 1, 8, 12, 3)], [floats("a", 1, 8, 12, 4), floats("b", 1, 5)])
    assert answer.status == "passed"
    assert answer.outputs[0].layout == "axes 0, 2, 3, 1 of the source's" and answer.outputs[0].sqnr_db == 200.0
    assert codes(answer) == {"output-layout"}


def test_outputs_in_another_order_are_paired_by_name_and_by_shape(heads: Bench) -> None:
    for names in (("vector", "maps"), ("Identity", "Identity_1")):
        answer = heads.measure("swapped", [PICTURE], [floats(names[0], 1, 5), floats(names[1], 1, 4, 8, 12)])
        assert answer.status == "passed" and [o.name for o in answer.outputs] == ["maps", "vector"]


def test_outputs_that_bear_each_others_names_are_told(tmp_path: Path) -> None:
    shape = (1, 4, 64)
    bench = Bench(tmp_path, "split_detector", [OBJECT], [floats("boxes", *shape), floats("scores", 1, 2, 64)])
    assert bench.measure("split_detector", [OBJECT], [floats("scores", *shape), floats("boxes", 1, 2, 64)]).status == "passed"
    assert "output-renamed" in codes(bench.measure("split_detector", [OBJECT], [floats("scores", *shape), floats("boxes", 1, 2, 64)]))


def test_a_file_that_computes_something_else_fails_by_name(heads: Bench) -> None:
    answer = heads.measure("noisy", [PICTURE], [MAPS, VECTOR])
    assert answer.status == "failed"
    worst = answer.findings[0]
    assert worst.code == "float-differs" and worst.where in ("maps", "vector") and "--avoid" in worst.remedy


def test_mirrored_outputs_are_noise_and_not_layout(heads: Bench) -> None:
    answer = heads.measure("wrong", [PICTURE], [MAPS, VECTOR])
    assert answer.status == "failed" and all(not o.layout for o in answer.outputs)


def test_nan_is_an_error_whatever_the_numbers_say(heads: Bench) -> None:
    answer = heads.measure("nan", [PICTURE], [MAPS, VECTOR])
    assert answer.status == "failed" and "not-finite" in codes(answer) and thresholds.is_final(answer)


def test_a_flattened_output_in_another_order_is_told_as_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "flat", [PICTURE], [floats("flat", 1, 384), VECTOR])
    answer = bench.measure("flattened", [PICTURE], [floats("flat", 1, 384), VECTOR])
    assert answer.outputs[0].sqnr_db == 200.0 and "transposed before flattening" in answer.outputs[0].layout
    assert codes(answer) == {"output-order"} and answer.status == "passed"


def test_a_file_that_does_not_load_fails_with_the_runtimes_words(heads: Bench) -> None:
    (heads.folder / "broken.fake").write_text("broken")
    broken = str(heads.folder / "broken.fake")
    answer = from_json(Verification, execute.measure(RUNNER, broken, heads.calibration, heads.reference))
    assert answer.status == "failed" and codes(answer) == {"does-not-load"}
    assert "tensor 7 has no quantization" in answer.findings[0].message and thresholds.is_final(answer)
    with pytest.raises(VerificationFailed, match="tensor 7 has no quantization"):
        execute.smoke(RUNNER, broken)


def test_wrong_input_and_missing_output_shapes_fail(heads: Bench) -> None:
    assert codes(heads.measure("nchw_head", [floats("x", 1, 3, 8, 16)], [MAPS, VECTOR])) == {"input-differs"}
    lost = heads.measure("count", [PICTURE], [Tensor("n", (1, 3), "int64")])
    assert lost.status == "failed" and [f.code for f in lost.findings].count("output-missing") == 2


def test_open_dimensions_are_errors_only_where_static_was_promised(heads: Bench) -> None:
    dynamic = floats("x", None, 3, None, None)
    assert heads.measure("nchw_head", [dynamic], [MAPS, VECTOR]).status == "passed"
    answer = heads.measure("nchw_head", [dynamic], [MAPS, VECTOR], static=True)
    assert answer.status == "failed" and codes(answer) == {"dynamic-shape"}


def test_a_quantized_border_costs_what_eight_bits_cost(heads: Bench) -> None:
    small, maps, vector = bytes_of("x", (1, 3, 8, 12), -4, 4), bytes_of("maps", (1, 4, 8, 12), -5, 5), bytes_of("vector", (1, 5), -4, 4)
    answer = heads.measure("nchw_head", [small], [maps, vector], "int8")
    assert answer.status == "passed" and answer.samples == 4
    assert all(25 < o.sqnr_db < 60 for o in answer.outputs)


def test_dead_scores_beside_healthy_boxes_are_found(detectors: Bench) -> None:
    answer = detectors.measure("detector", [OBJECT], [bytes_of("head", (1, 6, 64), 0, 320)], "int8")
    whole = answer.outputs[0]
    assert whole.sqnr_db > 30 and whole.cosine > 0.999
    assert answer.status == "failed" and thresholds.is_final(answer)
    dead = next(f for f in answer.findings if f.code == "dead-group")
    assert dead.where == "head[axis 1: 4..5]" and "--effort" in dead.remedy
    assert [o.name for o in answer.outputs] == ["head", "head[axis 1: 0..3]", "head[axis 1: 4..5]"]


def test_the_same_head_in_two_parts_lives(detectors: Bench) -> None:
    parts = [bytes_of("boxes", (1, 4, 64), 0, 400), bytes_of("scores", (1, 2, 64), 0, 1)]
    answer = detectors.measure("split_detector", [OBJECT], parts, "int8")
    assert answer.status == "passed", answer.findings
    assert [o.name for o in answer.outputs] == ["head (boxes)", "head (scores)"]
    assert min(o.sqnr_db for o in answer.outputs) > 30


def test_parts_of_a_concat_that_were_told_are_judged_by_themselves(detectors: Bench) -> None:
    notes = {"joined": [{"output": "head", "axis": 1, "sizes": [1, 3, 2]}]}
    answer = detectors.measure("detector", [OBJECT], [bytes_of("head", (1, 6, 64), 0, 320)], "int8", notes=notes)
    assert [o.name for o in answer.outputs][1:] == ["head[axis 1: 0]", "head[axis 1: 1..3]", "head[axis 1: 4..5]"]


def test_parts_that_the_file_itself_tells_are_found_in_the_sources_axes(detectors: Bench) -> None:
    told = [{"output": 0, "axis": 2, "sizes": [1, 3, 2]}]
    model = fakes.write(detectors.folder, "turned_detector", [OBJECT], [bytes_of("head", (1, 64, 6), 0, 320)], told)
    answer = from_json(Verification, execute.measure(RUNNER, model, detectors.calibration, detectors.reference, "int8"))
    assert [o.name for o in answer.outputs][1:] == ["head[axis 1: 0]", "head[axis 1: 1..3]", "head[axis 1: 4..5]"]
    assert [f.where for f in answer.findings if f.code == "dead-group"] == ["head[axis 1: 4..5]"]


def test_integer_outputs_are_compared_by_equality(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "count", [PICTURE], [Tensor("n", (1, 3), "int64")])
    answer = bench.measure("count", [PICTURE], [Tensor("n", (1, 3), "int32")])
    assert answer.status == "passed" and answer.outputs[0].exact and answer.outputs[0].top1 == 1.0


def test_outputs_whose_shape_depends_on_the_data_are_left_out_and_told(tmp_path: Path) -> None:
    outputs = [floats("found", None), floats("mean", 1, 3)]
    bench = Bench(tmp_path, "ragged", [PICTURE], outputs)
    answer = bench.measure("ragged", [PICTURE], outputs)
    assert "data-dependent-shape" in codes(answer) and [o.name for o in answer.outputs] == ["mean"]


def test_inputs_are_fed_by_name_where_positions_differ(tmp_path: Path) -> None:
    a, b = floats("a", 1, 6), floats("b", 1, 6)
    bench = Bench(tmp_path, "two", [a, b], [floats("sum", 1, 6)])
    assert bench.measure("two_again", [b, a], [floats("sum", 1, 6)]).status == "passed"
    answer = bench.measure("two_again", [floats("p", 1, 6), floats("q", 1, 6)], [floats("sum", 1, 6)])
    assert answer.status == "passed", "no names: the way of feeding that computes the same is found"


def test_random_samples_degrade_an_int8_file_but_do_not_fail_it(heads: Bench) -> None:
    outputs = [bytes_of("maps", (1, 4, 8, 12), -5, 5), bytes_of("vector", (1, 5), -4, 4)]
    assert heads.measure("wrong", [PICTURE], outputs, "int8").status == "failed"
    heads.calibration = {**heads.calibration, "random": True}
    answer = heads.measure("wrong", [PICTURE], outputs, "int8")
    assert answer.status == "degraded" and thresholds.RANDOM_DATA in codes(answer)


def test_without_a_reference_a_file_must_load_run_and_repeat(tmp_path: Path) -> None:
    model = fakes.write(tmp_path, "nchw_head", [PICTURE], [MAPS, VECTOR])
    answer = from_json(Verification, execute.smoke(RUNNER, model))
    assert (answer.status, answer.kind) == ("passed", "smoke")
    bad = from_json(Verification, execute.smoke(RUNNER, fakes.write(tmp_path, "nan", [PICTURE], [MAPS, VECTOR])))
    assert bad.status == "failed" and codes(bad) == {"not-finite"}
    lone = from_json(Verification, execute.measure(RUNNER, model, fakes.prepared(tmp_path, PICTURE)))
    assert lone.status == "passed" and not lone.outputs


def test_raw_pixels_reach_a_camera_file_untouched(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    from PIL import Image

    generator = np.random.default_rng(3)
    for i in range(4):
        Image.fromarray(generator.integers(0, 256, (8, 12, 3), dtype=np.uint8)).save(pictures / f"{i}.png")
    from edgeroute.types import to_json
    from edgeroute.verify import samples

    known = {"scale": 1 / 255, "known": True}
    made = samples.prepare(str(pictures), to_json([PICTURE]), known, str(tmp_path / "samples"), pixels=True)["calibration"]
    source = fakes.write(tmp_path, "nchw_head", [PICTURE], [MAPS, VECTOR])
    folder = fakes.referred(tmp_path, source, made)
    camera = Tensor("x", (1, 8, 12, 3), "uint8", scale=(1 / 255,), zero_point=(0,))
    model = fakes.write(tmp_path, "nhwc_head", [camera], [floats("maps", 1, 8, 12, 4), VECTOR])
    answer = from_json(Verification, execute.measure(RUNNER, model, made, folder, raw_pixels=True))
    assert answer.status == "passed", answer.findings


@pytest.mark.parametrize(("file", "expected"), [("follows", "passed"), ("follows_not", "failed")])
def test_one_sample_unlike_all_others_does_not_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, expected: str) -> None:
    """The int8 file of `follows` clips what only one sample reaches; that of `follows_not` is wrong on all of them."""
    monkeypatch.setitem(fakes.FUNCTIONS, "explodes", lambda x: [np.where(x.max() > 50, x * 50, x)])
    monkeypatch.setitem(fakes.FUNCTIONS, "follows", lambda x: [x])
    monkeypatch.setitem(fakes.FUNCTIONS, "follows_not", lambda x: [x[..., ::-1]])
    values = np.random.default_rng(0).standard_normal((96, 3, 8, 12)).astype(np.float32)
    folder = tmp_path / "wild"
    folder.mkdir()
    model = fakes.write(folder, "explodes", [PICTURE], [floats("y", 1, 3, 8, 12)])

    def prepare() -> Json:
        np.savez(folder / "given.npz", x=values)
        return samples.prepare(str(folder / "given.npz"), to_json([PICTURE]), {}, str(folder / "samples"))["calibration"]

    last = samples.sample_names(from_json(Calibration, prepare()))[90]
    values[int(last.removeprefix("sample ")), 0, 0, 0] = 60.0
    calibration = prepare()
    reference = fakes.referred(folder, model, calibration)
    written = fakes.write(folder, file, [PICTURE], [bytes_of("y", (1, 3, 8, 12), -5, 5)])
    answer = from_json(Verification, execute.measure(RUNNER, written, calibration, reference, "int8"))
    assert answer.status == expected
    told = [f.message for f in answer.findings if f.code == "odd-sample"]
    assert (len(told), last in "".join(told)) == ((1, True) if expected == "passed" else (0, False))
