"""A search tries what promises most first, measures it, and hands over the best that the device takes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgeroute.errors import EdgerouteError, UsageError
from edgeroute.runner.candidates import candidates
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.runner.search import score
from edgeroute.types import OutputFidelity, Verification
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
    assert score(measured((20, 1, 1), (200, 1, 1))) == pytest.approx((20 + 50) / 2)
    assert score(measured((25, 0.8, 1))) == pytest.approx(25 - 10)
    assert score(measured((25, 1, 0.25))) == pytest.approx(25 - 10)
    assert score(measured((25, 1, 1))) > score(measured((40, 0.99, 1), (9, 0.6, 0.4)))
    assert score(None) < score(measured((0, 1, 1)))


def with_variants(workshop: Workshop, variants: dict[str, tuple[dict[str, object], ...]]) -> Workshop:
    edges = tuple(dataclasses.replace(c, variants=variants.get(c.name, ())) for c in workshop.catalog.converters)
    return dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, converters=edges))


def test_the_best_measured_candidate_wins_and_the_table_tells_all(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    noisy = {"first-bc": {"mood": "slightly_off"}}
    shop = with_variants(workshop, {"first-bc": ({"mood": "good", "gain": -1.0},)})
    result = convert(shop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="max", options=noisy))
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
    with pytest.raises(EdgerouteError):
        convert(workshop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="balanced", options=options))


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


def test_an_unknown_effort_says_what_there_is(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no effort heroic"):
        convert(workshop, model, "toy-device", Request(out=tmp_path / "out.toy", effort="heroic"))
