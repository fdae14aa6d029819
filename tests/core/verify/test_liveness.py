"""What is dead, and what is no false alarm."""

from __future__ import annotations

import numpy as np
import pytest

from edgeroute.types import Finding, Severity
from edgeroute.verify import liveness
from edgeroute.verify.compare import Comparison
from edgeroute.verify.profile import profile

Array = np.ndarray


def found(
    rows: list[Array], others: list[Array], step: float = 0.0, joined: tuple[dict[str, object], ...] = (), top: float = 0.0
) -> list[Finding]:
    known = profile(rows, [int(j["axis"]) for j in joined])  # type: ignore[call-overload]
    comparison = Comparison("out", known, (0.0, top) if top else None)
    for r, a in zip(rows, others, strict=True):
        comparison.add(r, a)
    parts = liveness.blocks(known, joined)
    return liveness.findings(liveness.deaths(comparison, parts, step), comparison, parts, step)


def errors(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity == Severity.ERROR]


def yolo(classes: int = 4, active: int = 2, samples: int = 8, anchors: int = 200) -> list[Array]:
    """Boxes in pixels over scores, of which only the first `active` classes are ever seen."""
    generator = np.random.default_rng(0)
    rows = []
    for _ in range(samples):
        boxes = generator.uniform(5, 320, (4, anchors))
        scores = generator.uniform(0, 1e-6, (classes, anchors))
        scores[:active] = generator.uniform(0, 0.8, (active, anchors)) ** 4
        rows.append(np.concatenate([boxes, scores])[None])
    return rows


def quantized(rows: list[Array], step: float) -> list[Array]:
    return [np.rint(r / step).clip(0, 255) * step for r in rows]


def test_scores_under_a_scale_made_for_boxes_are_dead() -> None:
    step = 320 / 255
    bad = errors(found(yolo(), quantized(yolo(), step), step))
    assert [f.where for f in bad] == ["out[axis 1: 4..7]"] and "constant 0, for its range of 0.41 is 0.3 steps" in bad[0].message


def test_a_score_channel_that_no_sample_raises_is_no_error() -> None:
    rows = yolo(classes=6, active=2)
    others = [r.copy() for r in rows]
    for other in others:
        other[:, 6:] = 0
    assert not errors(found(rows, others, 1 / 255))
    assert not errors(found(rows, others))


def test_one_dead_class_among_living_ones_is_an_error() -> None:
    rows = yolo(classes=4, active=4)
    others = [r.copy() for r in rows]
    for other in others:
        other[:, 6] = 0
    bad = errors(found(rows, others))
    assert [f.where for f in bad] == ["out[axis 1: 6]"] and "constant 0" in bad[0].message


def test_scores_that_are_never_raised_are_not_judged_and_that_is_said() -> None:
    rows = yolo(active=0)
    others = [r.copy() for r in rows]
    for other in others:
        other[:, 4:] = 0
    answer = found(rows, others, 1.25)
    assert not errors(answer) and "group-not-judged" in {f.code for f in answer}


def test_a_channel_of_features_that_is_constant_saturated_or_nearly_so_is_an_error() -> None:
    generator = np.random.default_rng(0)
    rows = [generator.standard_normal((1, 8, 10, 10)) for _ in range(4)]
    for spoil, said in (
        (lambda x: x * 0 + 3.0, "constant 3"),
        (lambda x: x * 0, "constant 0"),
        (lambda x: 0.02 * x[..., ::-1], "nearly constant"),
    ):
        others = [r.copy() for r in rows]
        for other in others:
            other[:, 5] = spoil(other[:, 5])
        bad = errors(found(rows, others))
        assert [f.where for f in bad] == ["out[axis 1: 5]"] and said in bad[0].message


def test_activity_beyond_the_output_range_is_saturation() -> None:
    generator = np.random.default_rng(0)
    rows = [generator.uniform(0, 10, (1, 6, 50)) for _ in range(4)]
    others = [r.clip(0, 2.0) for r in rows]
    bad = errors(found(rows, others, 2.0 / 255, top=2.0))
    assert bad and "saturated" in bad[0].message


def test_quantization_of_healthy_outputs_raises_no_alarm() -> None:
    generator = np.random.default_rng(0)
    for shape in ((1, 1000), (1, 8, 10, 10), (1, 10, 10, 8), (1, 896, 16), (1, 896, 1), (1, 512)):
        rows = [generator.standard_normal(shape) * 3 + 10 for _ in range(16)]
        assert not errors(found(rows, quantized(rows, 30 / 255), 30 / 255)), shape
    logits = [generator.standard_normal((1, 40, 300)) * 4 for _ in range(16)]
    rows = [np.exp(x) / np.exp(x).sum(2, keepdims=True) for x in logits]
    assert not errors(found(rows, quantized(rows, 1 / 256), 1 / 256)), "a softmax over many classes"


def test_sparse_activity_in_one_sample_is_not_judged() -> None:
    generator = np.random.default_rng(0)
    rows = [generator.standard_normal((1, 6, 40)) for _ in range(8)]
    others = [r.copy() for r in rows]
    for i, (r, a) in enumerate(zip(rows, others, strict=True)):
        r[:, 2] = 0
        a[:, 2] = 0
        if i == 3:
            r[:, 2, 7] = 20.0
    assert not errors(found(rows, others))


def test_faint_channels_that_no_shared_scale_can_hold_are_a_warning() -> None:
    generator = np.random.default_rng(0)
    loudness = np.array([10.0, 10, 10, 10, 10, 0.1])[None, :, None]
    rows = [generator.standard_normal((1, 6, 40)) * loudness + 40 for _ in range(8)]
    answer = found(rows, quantized(rows, 90 / 255), 90 / 255)
    assert not errors(answer) and [f.code for f in answer] == ["faint-group-lost"]


def test_an_output_that_died_as_a_whole_is_named_once() -> None:
    rows = [np.random.default_rng(i).standard_normal((1, 24, 60)) for i in range(4)]
    bad = errors(found(rows, [np.zeros_like(r) for r in rows]))
    assert [f.where for f in bad] == ["out"]


def test_known_parts_of_a_concat_are_judged_though_their_values_would_not_tell() -> None:
    generator = np.random.default_rng(0)
    rows = [
        np.concatenate([generator.standard_normal((1, 4, 60)) * 100, generator.standard_normal((1, 2, 60)) * 0.3], axis=1) for _ in range(4)
    ]
    others = quantized([r + 400 for r in rows], 800 / 255)
    others = [a - 400 for a in others]
    assert not errors(found(rows, others))
    bad = errors(found(rows, others, 800 / 255, ({"output": "out", "axis": 1, "sizes": [4, 2]},)))
    assert [f.where for f in bad] == ["out[axis 1: 4..5]"]


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
def test_a_healthy_file_is_healthy_at_any_scale(scale: float) -> None:
    rows = [np.random.default_rng(i).standard_normal((1, 8, 6, 6)) * scale + scale for i in range(6)]
    assert not found(rows, [r * 1.0001 for r in rows])


def test_joined_places_must_live_but_single_places_may_rest() -> None:
    """Anchors of two scales joined: [1, 96, 1], the fainter scale in few steps, single anchors in none."""
    generator = np.random.default_rng(0)
    rows = [np.concatenate([generator.standard_normal((1, 64, 1)), generator.standard_normal((1, 32, 1)) * 30], axis=1) for _ in range(16)]
    joined = ({"output": "out", "axis": 1, "sizes": [64, 32]},)
    step = 180 / 255
    answer = found(rows, [np.rint(r / step) * step for r in rows], step, joined)
    assert not errors(answer) and {f.code for f in answer} <= {"coarse-group"}
    dead = [np.concatenate([np.zeros((1, 64, 1)), r[:, 64:]], axis=1) for r in rows]
    assert [f.where for f in errors(found(rows, dead, 0.0, joined))] == ["out[axis 1: 0..63]"]


def test_a_loud_channel_that_does_something_else_is_lost_though_it_moves() -> None:
    generator = np.random.default_rng(0)
    rows = [generator.standard_normal((1, 64, 8, 8)) for _ in range(4)]
    others = [r.copy() for r in rows]
    for other in others:
        other[:, 5] = generator.standard_normal((8, 8))
    bad = errors(found(rows, others, 6 / 255))
    assert [f.where for f in bad] == ["out[axis 1: 5]"] and "does not follow" in bad[0].message


def test_noise_that_a_quiet_channel_cannot_rise_above_is_no_stray() -> None:
    """15 dB of noise everywhere, and a channel a twentieth as loud as the others: what int8 files of deep networks look like."""
    generator = np.random.default_rng(0)
    loudness = np.array([1.0, 1, 1, 1, 1, 0.05])[None, :, None, None]
    rows = [generator.standard_normal((1, 6, 16, 16)) * loudness for _ in range(8)]
    others = [r + 0.17 * generator.standard_normal(r.shape) for r in rows]
    assert not errors(found(rows, others, 6 / 255))


def test_what_hardly_moves_is_judged_where_the_file_should_be_exact() -> None:
    rows = [np.random.default_rng(i).uniform(0, 1e-2, (1, 8, 6, 6)) for i in range(4)]
    known = profile(rows)
    comparison = Comparison("out", known)
    for r in rows:
        comparison.add(r, r[..., ::-1])
    parts = liveness.blocks(known)
    assert [o.judged for o in liveness.fidelities(comparison, parts, [], "", exact=True)] == [True]
    assert [o.judged for o in liveness.fidelities(comparison, parts, [], "")] == [False]


def test_a_float_output_that_only_rounding_moves_is_not_judged_and_that_is_said() -> None:
    rows = [np.random.default_rng(i).uniform(0, 3e-8, (1, 1, 8, 8)) for i in range(4)]
    assert [f.code for f in found(rows, [r[..., ::-1] for r in rows])] == ["group-not-judged"]
    assert not found([r * 0 + 0.5 for r in rows], [r * 0 + 0.5 for r in rows]), "a constant is compared as it is"
