"""A search tries what promises most first, measures it, and hands over the best that the device takes."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeroute import api
from edgeroute.errors import CheckFailed, ConverterFailed, EdgerouteError, UsageError, VerificationFailed
from edgeroute.runner.candidates import candidates, place
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.runner.scoring import interruptions, score
from edgeroute.types import OutputFidelity, Preprocess, Verification
from edgeroute.workshop import Workshop
from tests.core.graphs import catalog, edge

PLAIN = (edge("float", "a", "b"), edge("float-slow", "a", "b", 0.5), edge("quantize", "b", "d"))
MENDING = (edge("mend", "a", "a2", gain=4.0, variants=({"hard": True, "gain": 1.0},)), edge("float2", "a2", "b"))
MAGIC = (edge("magic", "a2", "a3", gain=9.0, on_request=True, effort="max"), edge("float3", "a3", "b"))
GRAPH = catalog("a a2 a3 b d", *PLAIN, *MENDING, *MAGIC)


def names(effort: str, **more: object) -> list[str]:
    return [c.name for c in candidates(GRAPH, "a", "t", effort, blocked={}, **more)]  # type: ignore[arg-type]


def test_the_most_promising_comes_first_and_the_plain_route_is_among_them() -> None:
    assert names("balanced") == [
        "mend → float2 → quantize (mend.hard=True)",
        "float → quantize",
        "mend → float2 → quantize",
    ]


def test_only_effort_max_takes_what_is_meant_for_it() -> None:
    assert not any("magic" in n for n in names("balanced"))
    assert names("max")[0].startswith("mend → magic → float3 → quantize")


def test_an_edge_that_a_better_one_replaces_is_not_tried_unless_pinned() -> None:
    assert not any("float-slow" in n for n in names("max"))
    assert all("float-slow" in n for n in names("max", via=("float-slow",)))


def test_fast_is_the_plain_route_alone() -> None:
    assert names("fast") == ["float → quantize"]


def measured(*outputs: tuple[float, float, float]) -> Verification:
    fidelities = [OutputFidelity(str(i), (1,), 0.0, 0.0, db, 1.0, r, spread) for i, (db, r, spread) in enumerate(outputs)]
    return Verification("passed", "int8", outputs=tuple(fidelities))


def test_the_score_is_the_mean_of_clipped_decibels_less_what_goes_astray() -> None:
    assert score(measured((20, 1, 1), (200, 1, 1))) == pytest.approx((20 + 20 + 30 / 4) / 2)
    assert score(measured((15, 0.8, 1))) == pytest.approx(15 - 10)
    assert score(measured((15, 1, 0.25))) == pytest.approx(15 - 10)
    assert score(measured((33, 1, 1), (17, 1, 1))) > score(measured((37, 1, 1), (14, 1, 1)))
    assert score(measured((25, 1, 1))) > score(measured((40, 0.99, 1), (9, 0.6, 0.4)))
    assert score(None) < score(measured((0, 1, 1)))


def test_operators_that_interrupt_the_accelerator_have_to_be_worth_it() -> None:
    assert interruptions({"counts": {"accelerator": 70, "cpu": 30}}) == pytest.approx(3)
    assert interruptions({}) == interruptions({"counts": {"accelerator": 5}}) == 0


def with_variants(workshop: Workshop, variants: dict[str, tuple[dict[str, object], ...]]) -> Workshop:
    edges = tuple(dataclasses.replace(c, variants=variants.get(c.name, ())) for c in workshop.catalog.converters)
    return dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, converters=edges))


def moody(workshop: Workshop, name: str, options: str) -> Workshop:
    """An edge whose options have another default."""
    edges = tuple(
        dataclasses.replace(c, options=getattr(sys.modules[c.options.__module__], options)) if c.name == name else c
        for c in workshop.catalog.converters
    )
    return dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, converters=edges))


def test_what_the_user_has_set_no_candidate_changes(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = with_variants(workshop, {"first-bc": ({"mood": "polished", "gain": 5.0},)})
    result = convert(shop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="max", options={"first-bc": {"mood": "good"}}))
    assert "polished" not in (tmp_path / "out.toy").read_text()
    assert len(result.details["candidates"]) == len(candidates(workshop.catalog, "toy-a", "toy-device", "max", blocked={}))


def test_the_best_measured_candidate_wins_and_the_table_tells_all(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = moody(with_variants(workshop, {"first-bc": ({"mood": "good", "gain": -1.0},)}), "first-bc", "Off")
    result = convert(shop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="max"))
    assert result.status == "succeeded"
    assert result.route == ("first-ab", "first-bc")
    rows = result.details["candidates"]
    assert [r["chosen"] for r in rows].count(True) == 1
    assert next(r for r in rows if r["chosen"])["score"] == max(r["score"] for r in rows if r["score"] is not None)


def test_a_candidate_that_fails_is_a_row_with_its_reason(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = with_variants(workshop, {"first-bc": ({"mood": "exits", "gain": 5.0},)})
    result = convert(shop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="balanced"))
    failed = [r for r in result.details["candidates"] if r["status"] == "rejected"]
    assert len(failed) == 1 and "ended its process" in failed[0]["why"]


def test_when_nothing_arrives_the_error_is_told(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    options = {"first-ab": {"mood": "exits"}, "second-ab": {"mood": "exits"}}
    with pytest.raises(EdgerouteError) as told:
        convert(workshop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="balanced", options=options))
    assert {c["status"] for c in told.value.story["candidates"]} == {"rejected"}
    assert {r["converter"] for r in told.value.story["rejected"]} == {"first-ab", "second-ab"}


def test_a_users_metric_decides(workshop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mymetric.py").write_text(
        "import json\ndef rate(path):\n    return 1.0 if json.load(open(path)).get('polished') else 0.0\n"
    )
    shop = with_variants(workshop, {"first-bc": ({"mood": "polished", "gain": -1.0},)})
    request = Request(out=tmp_path / "out.toy", effort="max", metric="mymetric:rate")
    result = convert(shop, model, "toy-device", request)
    assert '"polished": true' in (tmp_path / "out.toy").read_text()
    assert max(r["score"] for r in result.details["candidates"]) == 1.0


def test_a_users_metric_outweighs_good_marks(workshop: Workshop, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mymetric.py").write_text("import json\ndef rate(path):\n    return json.load(open(path))['factor'] / 100\n")
    shop = quantizing(workshop, first_bc=({"mood": "wrong_numbers", "gain": -1.0},))
    request = calibrated(tmp_path, effort="max", metric="mymetric:rate", allow_degraded=True)
    chosen = next(r for r in convert(shop, model, "toy-device", request).details["candidates"] if r["chosen"])
    assert "wrong_numbers" in str(chosen["options"])


def test_an_unknown_effort_says_what_there_is(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no effort heroic"):
        convert(workshop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="heroic"))


def quantizing(workshop: Workshop, **variants: tuple[dict[str, object], ...]) -> Workshop:
    """The toys with an int8 end, whose edges have variants."""
    shop = with_variants(workshop, {name.replace("_", "-"): value for name, value in variants.items()})
    formats = {**shop.catalog.formats, "toy-c": dataclasses.replace(shop.catalog.formats["toy-c"], precision="int8")}
    return dataclasses.replace(shop, catalog=dataclasses.replace(shop.catalog, formats=formats))


def calibrated(tmp_path: Path, **more: object) -> Request:
    """A request with data on which numbers count."""
    np.save(tmp_path / "data.npy", np.random.default_rng(0).normal(size=(24, 4)).astype("float32"))
    return Request(out=tmp_path / "out.toy", calibrate=tmp_path / "data.npy", **more)  # type: ignore[arg-type]


BETTER = ({"mood": "good", "gain": 1.0},)


def test_by_default_a_good_plain_route_is_all_that_is_taken(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    result = convert(quantizing(workshop, first_bc=BETTER), model, "toy-device", calibrated(tmp_path))
    assert result.route == ("first-ab", "first-bc") and "candidates" not in result.details
    assert "--effort" not in result.details["command"]


def test_by_default_a_plain_route_that_is_too_noisy_leads_to_a_search(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = moody(quantizing(workshop, first_bc=BETTER), "first-bc", "Noisy")
    result = convert(shop, model, "toy-device", calibrated(tmp_path))
    plain, *others = result.details["candidates"]
    assert plain["status"] == "rejected" and plain["sqnr_db"] < 8 and others[-1]["chosen"]
    assert [f.code for f in result.findings].count("int8-searched") == 1
    assert any(r["key"].startswith("first-bc") for r in result.rejected)
    assert "--effort fast" in result.details["command"] and "--via" in result.details["command"]


ADVICE = ({"mood": "advises", "gain": 1.0},)


def test_what_a_step_advises_is_tried_next(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = moody(quantizing(workshop, first_ab=ADVICE), "first-bc", "Noisy")
    with pytest.raises(VerificationFailed) as told:
        convert(shop, model, "toy-device", calibrated(tmp_path, avoid=("second-bc",)))
    rows = told.value.story["candidates"]
    tried = [r["options"].get("first-ab:toy-a->toy-b", {}) for r in rows]
    assert tried == [{}, {"mood": "advises"}, {"mood": "polished"}]


def test_advice_against_the_users_word_is_not_taken(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop, asked = moody(quantizing(workshop), "first-bc", "Noisy"), {"first-ab": {"mood": "advises"}}
    with pytest.raises(VerificationFailed) as told:
        convert(shop, model, "toy-device", calibrated(tmp_path, avoid=("second-bc",), effort="max", options=asked))
    rows = told.value.story["candidates"]
    assert not any("polished" in str(r["options"]) for r in rows)


def test_noise_does_not_lead_to_other_float_converters(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    noisy = {name: {"mood": "wrong_numbers"} for name in ("first-bc", "second-bc")}
    told: list[str] = []
    shop = dataclasses.replace(quantizing(workshop), progress=lambda text, share: told.append(text))
    with pytest.raises(VerificationFailed) as caught:
        convert(shop, model, "toy-device", calibrated(tmp_path, effort="fast", options=noisy))
    assert caught.value.code in ("int8-noise", "int8-spread")
    assert not any("second-ab" in text for text in told)


def test_a_float_converter_that_crashes_is_replaced_with_every_effort(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    for effort in ("fast", "auto", "balanced"):
        request = calibrated(tmp_path, effort=effort, options={"first-ab": {"mood": "exits"}})
        assert convert(quantizing(workshop), model, "toy-device", request).route[0] == "second-ab"


def test_when_all_are_too_noisy_the_nearest_is_told(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    noisy = {name: {"mood": "wrong_numbers"} for name in ("first-bc", "second-bc")}
    with pytest.raises(VerificationFailed, match=r"none of 2 candidates holds \(3\.\d, 3\.\d dB were measured\); the best"):
        convert(quantizing(workshop), model, "toy-device", calibrated(tmp_path, options=noisy))


@pytest.mark.parametrize("effort", ["fast", "auto"])
def test_the_headline_is_the_error_of_the_file_that_came_furthest(workshop: Workshop, model: Path, tmp_path: Path, effort: str) -> None:
    detour = {"second-ab": {"mood": "wrong_numbers"}}
    with pytest.raises(CheckFailed) as told:
        convert(quantizing(workshop), model, "strict-device", calibrated(tmp_path, effort=effort, options=detour))
    assert told.value.code == "TOY-001"
    assert "second-ab" in {r["converter"] for r in told.value.story["rejected"]}


def test_a_quantizer_that_fails_says_more_than_another_float_converter(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    moods = {"first-bc": {"mood": "raises"}, "second-bc": {"mood": "exits"}, "second-ab": {"mood": "wrong_numbers"}}
    with pytest.raises(ConverterFailed) as told:
        convert(quantizing(workshop), model, "toy-device", calibrated(tmp_path, options=moods))
    assert told.value.code == "toy-operator"


def test_of_several_that_fail_alike_the_best_route_is_told(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    moods = {"first-ab": {"mood": "raises"}, "second-ab": {"mood": "exits"}}
    with pytest.raises(ConverterFailed) as told:
        convert(quantizing(workshop), model, "toy-device", calibrated(tmp_path, options=moods))
    assert told.value.code == "toy-operator"


def test_the_candidate_that_came_furthest_is_told_where_none_was_measured(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = with_variants(quantizing(workshop), {"first-bc": ({"mood": "raises", "gain": 5.0},)})
    with pytest.raises(CheckFailed) as told:
        convert(shop, model, "strict-device", calibrated(tmp_path, effort="balanced"))
    assert [c["status"] for c in told.value.story["candidates"]] == ["rejected"] * 3 and told.value.code == "TOY-001"


def test_pins_are_taken_as_they_are_by_default(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    request = calibrated(tmp_path, via=("first-bc",), options={"first-bc": {"mood": "wrong_numbers"}}, allow_degraded=True)
    result = convert(quantizing(workshop, first_bc=BETTER), model, "toy-device", request)
    assert result.status == "degraded" and "candidates" not in result.details


def test_on_random_data_nothing_is_searched(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    request = Request(out=tmp_path / "out.toy", options={"first-bc": {"mood": "wrong_numbers"}})
    assert "candidates" not in convert(quantizing(workshop, first_ab=BETTER), model, "toy-device", request).details


def test_what_the_device_likes_less_has_to_be_better_by_some_decibels() -> None:
    edges = (edge("float", "a", "b"), edge("per-tensor", "b", "d"), edge("per-channel", "b", "e", variants=({"fine": True, "gain": 1.0},)))
    graph = catalog("a b d e", *edges, accepts=("d", "e"))
    found = candidates(graph, "a", "t", "auto", blocked={})
    assert [c.route.delivers for c in found] == ["d", "e", "e"]
    assert [place(graph, c.route) for c in found] == [0, 1, 1]


def test_a_plan_shows_the_step_that_preprocessing_makes_convert_take() -> None:
    imagenet = Preprocess(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "rgb", "stretch", known=True)
    assert "camera" in api.plan("onnx", "artpec8", k=1, preprocess=imagenet).routes[0].names
    assert "camera" not in api.plan("onnx", "artpec8", k=1).routes[0].names
    assert "camera" not in api.plan("onnx", "cpu", k=1, preprocess=imagenet).routes[0].names
