"""What the commands print: complete, in order of weight, within 100 columns, and harmless."""

from __future__ import annotations

import dataclasses

import pytest

from edgeroute.report import text
from edgeroute.types import to_json
from tests.core.report import sample

RENDERED = {
    "result": text.render_result(sample.RESULT),
    "clean": text.render_result(sample.CLEAN),
    "plan": text.render_plan(sample.PLAN, sample.STATES),
    "validation": text.render_validation(sample.VALIDATION),
    "inspect": text.render_inspect(sample.RESULT.artifact),
    "certificate": text.render_certificate(sample.CERTIFICATE),
}


@pytest.mark.parametrize("name", RENDERED)
def test_it_fits_100_columns(name: str) -> None:
    long = [line for line in RENDERED[name].splitlines() if len(line) > 100 and not line.lstrip().startswith("$ ")]
    assert not long


@pytest.mark.parametrize("name", RENDERED)
def test_names_from_files_reach_no_terminal(name: str) -> None:
    assert not {c for c in RENDERED[name] if c != "\n" and not c.isprintable()}


def test_json_and_nouns_give_the_same_text() -> None:
    assert text.render_result(to_json(sample.RESULT)) == RENDERED["result"]
    assert text.render_plan(to_json(sample.PLAN), sample.STATES) == RENDERED["plan"]


def test_result_says_what_matters() -> None:
    said = RENDERED["result"]
    for part in ("degraded", "out/detector.artpec8.tflite", "3.48 MB", "14.1 dB", "cached", "1 min 36 s", "2.4 GB", "dead: [..., 3]"):
        assert part in said
    assert "61 % of the loss enters at /head/Concat" in said
    assert "$ edgeroute device test out/detector.artpec8.tflite" in said


def test_findings_stand_in_order_of_weight() -> None:
    said = RENDERED["result"]
    codes = ["TFL-019", "liveness", "A8-018", "TFL-008", "A8-011", "A8-007"]
    places = [said.index(f"{code}:") for code in codes]
    assert places == sorted(places)


def test_every_reason_is_told_in_full() -> None:
    said = " ".join(RENDERED["result"].split())
    assert f"left PRELU in float at {sample.HOSTILE}" in said
    assert "the file does not allocate" in said


def test_an_uncalibrated_result_says_so() -> None:
    said = text.render_result(dataclasses.replace(sample.CLEAN, calibrated=False))
    assert "Uncalibrated" in said
    assert "--calibrate FOLDER" in said


@pytest.mark.parametrize(("random", "whose"), [(False, "16 samples (your samples)"), (True, "16 samples (random samples)")])
def test_it_says_whose_the_samples_are(random: bool, whose: str) -> None:
    """Of float files, too, that nothing calibrates."""
    said = text.render_result(dataclasses.replace(sample.CLEAN, fidelity={**sample.CLEAN.fidelity, "random": random}))
    assert f"Measured on {whose}" in said


def test_an_unmeasured_result_says_so() -> None:
    said = text.render_result(dataclasses.replace(sample.CLEAN, fidelity={"status": "unmeasured", "outputs": []}))
    assert "unmeasured" in said


def test_a_hand_over_tells_how_to_finish() -> None:
    handed = dataclasses.replace(
        sample.CLEAN, status="handed-over", target="cv25", details={"handover": {"bundle": "out/digits.cv25.handover"}}
    )
    assert "edgeroute finish out/digits.cv25.handover COMPILED" in text.render_result(handed)


def test_a_file_that_needs_no_step_is_told() -> None:
    said = text.render_result(dataclasses.replace(sample.CLEAN, steps=(), route=()))
    assert "No step was needed" in said


def test_plan_shows_trees_states_reasons_and_what_is_better() -> None:
    said = RENDERED["plan"]
    assert "1. cost 7.2, delivers tflite-int8-camera" in said
    assert "└─" in said and "tensorflow (missing: 2.5 GB to install)" in said
    assert "would be better" in said
    assert f"it would leave PRELU in float at {sample.HOSTILE}" in said
    assert "3 edges elsewhere in the graph do not lie between the two." in said


def test_a_plan_that_ends_in_a_hand_over_says_so() -> None:
    plan = to_json(sample.PLAN)
    plan["routes"][1]["handover"] = plan["routes"][1]["converters"][-1]["name"] + ":tflite->tflite-int8"
    said = text.render_plan(plan)
    assert said.count("the last step is handed over") == 1
    assert "a colleague who has the tool" in said


def test_validation_tells_the_placement_and_the_certificate() -> None:
    said = RENDERED["validation"]
    assert "bilinear resizing with half-pixel centres is not in the table" in said
    assert "Partly integer" in said
    assert "float32" in said


def test_what_the_device_plugin_writes_is_understood() -> None:
    placement = {
        "device": "axis-a8-dlpu-tflite",
        "estimated": True,
        "share": 0.5,
        "partitions": {"optimistic": 3, "pessimistic": 5, "limit": 16},
        "parameters": {"bytes": 3_301_376},
        "cut": {"index": 1, "operator": "CAST", "mapped": 1, "in_front": 0, "left": 1},
        "inputs": [{"name": "image", "dtype": "uint8", "shape": [1, 32, 32, 3], "scale": [0.1], "zero_point": [3], "max_error": 0.25}],
        "operators": [
            {"index": 0, "name": "CONV_2D", "place": "accelerator", "reasons": [], "macs": 10, "after": []},
            {"index": 1, "name": "CAST", "place": "cpu", "reasons": [{"code": "A8-004", "what": "no kernel"}], "macs": 0, "after": [0]},
        ],
    }
    said = text.render_validation(dataclasses.replace(sample.VALIDATION, placement=placement))
    assert "3 to 5, of 16 at the most" in said
    assert "at operator 1, CAST: 1 mapped, 0 in front, 1 left on the CPU" in said
    assert "no kernel (A8-004)" in said
    assert "on the accelerator 50 % (of the MACs)" in said


def test_colour_only_when_asked_for() -> None:
    assert "\x1b[" not in RENDERED["result"]
    coloured = text.render_result(sample.RESULT, color=True)
    assert "\x1b[33mdegraded\x1b[0m" in coloured


def test_certificate_alone() -> None:
    assert RENDERED["certificate"].startswith("The int8 certificate\n")


def test_findings_alone_are_sorted() -> None:
    said = text.render_findings(sample.FINDINGS)
    assert said.index("TFL-019") < said.index("A8-007")
