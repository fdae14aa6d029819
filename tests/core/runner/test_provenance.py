"""A delivered file says where it comes from, and `verify` notices whatever is done to it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from edgeroute import api, provenance
from edgeroute.errors import SourceError
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.types import ConversionResult
from edgeroute.workshop import Workshop


def ask(folder: Path, **fields: object) -> Request:
    return Request(out=folder / "out.toy", **fields)  # type: ignore[arg-type]


def run(workshop: Workshop, model: Path, request: Request) -> ConversionResult:
    return convert(workshop, model, "toy-device", request)


def stamping(workshop: Workshop, stamp: str = "stamp") -> Workshop:
    """A workshop whose last format has room for a text."""
    formats = dict(workshop.catalog.formats)
    plugin = formats["toy-c"]
    module = next(c.run for c in workshop.catalog.converters).partition(":")[0]
    formats["toy-c"] = dataclasses.replace(plugin, stamp=f"{module}:{stamp}", unstamp=f"{module}:unstamp")
    return dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, formats=formats))


def test_what_cannot_carry_its_origin_gets_a_file_beside_it(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    result = run(workshop, model, ask(tmp_path))
    said = json.loads((tmp_path / "out.toy.provenance.json").read_text())
    assert result.artifact is not None
    assert said["artifact"]["sha256"] == result.artifact.sha256
    assert said["source"] == {"name": "model.toy", "format": "toy-a", "sha256": result.source.sha256, "bytes": result.source.bytes}
    assert [s["key"] for s in said["steps"]] == ["first-ab:toy-a->toy-b", "first-bc:toy-b->toy-c"]
    assert said["steps"][0]["options"]["mood"] == "good"


def test_it_names_no_folder_of_this_computer(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    run(workshop, model, ask(tmp_path, options={"first-ab": {"mood": "good"}}))
    assert str(tmp_path) not in (tmp_path / "out.toy.provenance.json").read_text()


def test_paths_become_names() -> None:
    assert provenance.impersonal({"a": ["/home/me/cal.npz", "~/x.npy", "onnx/relative"], "b": 1}) == {
        "a": ["cal.npz", "x.npy", "onnx/relative"],
        "b": 1,
    }


def test_the_same_inputs_give_the_same_bytes(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = stamping(workshop)
    run(shop, model, ask(tmp_path))
    first = (tmp_path / "out.toy").read_bytes()
    shop.cache.clear()
    run(shop, model, ask(tmp_path))
    assert (tmp_path / "out.toy").read_bytes() == first
    assert not (tmp_path / "out.toy.provenance.json").exists()


def test_a_file_with_room_carries_it_inside_and_verifies(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    shop = stamping(workshop)
    result = run(shop, model, ask(tmp_path))
    assert "edgeroute-provenance/1" in (tmp_path / "out.toy").read_text()
    assert result.artifact is not None and result.steps[-1].artifact is not None
    assert result.artifact.sha256 != result.steps[-1].artifact.sha256
    answer = api.verify(tmp_path / "out.toy", source=model, workshop=shop)
    assert (answer.ok, answer.place) == (True, "inside")
    assert [c.name for c in answer.checks] == ["origin", "bytes", "source", "parity"]
    assert answer.verification is not None and answer.verification.status == "passed"


@pytest.mark.parametrize("stamp", ["changes_numbers", "loses_bytes", "raises_stamp"])
def test_a_stamp_that_would_change_the_model_is_not_used(workshop: Workshop, model: Path, tmp_path: Path, stamp: str) -> None:
    result = run(stamping(workshop, stamp), model, ask(tmp_path))
    assert json.loads((tmp_path / "out.toy").read_text()) == {"kind": "toy-c", "factor": 2.0}
    assert (tmp_path / "out.toy.provenance.json").exists()
    assert "provenance-beside" in {f.code for f in result.findings}


def test_a_model_that_was_changed_afterwards_is_noticed(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    for shop in (workshop, stamping(workshop)):
        run(shop, model, ask(tmp_path))
        value = json.loads((tmp_path / "out.toy").read_text())
        (tmp_path / "out.toy").write_text(json.dumps({**value, "factor": 3.0}))
        answer = api.verify(tmp_path / "out.toy", workshop=shop)
        assert not answer.ok
        assert [c.name for c in answer.checks if not c.ok] == ["bytes"]
        assert all(c.remedy for c in answer.checks if not c.ok)


def test_another_source_is_noticed(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    run(workshop, model, ask(tmp_path))
    other = tmp_path / "other.toy"
    other.write_text(json.dumps({"kind": "toy-a", "factor": 5.0}))
    answer = api.verify(tmp_path / "out.toy", source=other, workshop=workshop)
    assert [c.name for c in answer.checks if not c.ok] == ["source"]
    assert answer.verification is None


def test_a_file_that_says_nothing_is_a_source_error(workshop: Workshop, model: Path) -> None:
    with pytest.raises(SourceError) as caught:
        api.verify(model, workshop=workshop)
    assert (caught.value.code, caught.value.exit_code) == ("provenance-missing", 3)


def test_a_damaged_sidecar_is_a_source_error(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    run(workshop, model, ask(tmp_path))
    (tmp_path / "out.toy.provenance.json").write_text("{ broken")
    with pytest.raises(SourceError) as caught:
        api.verify(tmp_path / "out.toy", workshop=workshop)
    assert caught.value.code == "provenance-unreadable"


def test_the_users_own_file_is_delivered_as_it_is(workshop: Workshop, tmp_path: Path) -> None:
    ready = tmp_path / "ready.toy"
    ready.write_text(json.dumps({"kind": "toy-c", "factor": 2.0}))
    result = run(stamping(workshop), ready, ask(tmp_path))
    assert (tmp_path / "out.toy").read_bytes() == ready.read_bytes()
    assert result.route == ()
    assert not (tmp_path / "out.toy.provenance.json").exists()


def test_an_older_sidecar_does_not_outlive_its_file(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    run(workshop, model, ask(tmp_path))
    run(stamping(workshop), model, ask(tmp_path))
    assert not (tmp_path / "out.toy.provenance.json").exists()


def test_steps_that_vary_are_named(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    request = ask(tmp_path, check_determinism=True, options={"first-bc": {"mood": "varies"}})
    result = run(workshop, model, request)
    assert [s.notes["repeatable"] for s in result.steps] == [True, False]
    assert [(f.code, f.where) for f in result.findings if f.code == "step-varies"] == [("step-varies", "first-bc:toy-b->toy-c")]
    again = run(workshop, model, dataclasses.replace(request, check_determinism=False))
    assert [s.notes["repeatable"] for s in again.steps] == [True, False]


def test_a_result_shows_itself_in_a_notebook(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    html = run(workshop, model, ask(tmp_path))._repr_html_()
    assert 'data-status="succeeded"' in html
    assert "first-bc" in html
