"""A plan in a file: it replays to the byte, and says what has changed since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeroute import replay
from tests.cli.conftest import TOY, Call


@pytest.fixture
def plan(toy: Call) -> Path:
    said = toy("plan", "model.toy", "--to", "toy-device", "--via", "second-ab", "--set", "first-bc.mood=polished", "--save", "plan.json")
    assert said.code == 0, said.err
    return Path("plan.json")


def test_a_saved_plan_takes_exactly_its_route(toy: Call, plan: Path) -> None:
    said = toy("convert", "--plan", plan, "--json")
    assert said.code == 0, said.err
    assert said.json["route"] == ["second-ab", "first-bc"]
    assert said.json["details"]["replay"] == {"plan": "plan.json", "changed": []}
    assert json.loads(Path("model.toy-device.toy").read_text())["polished"] is True


def test_it_replays_to_the_byte(toy: Call, plan: Path) -> None:
    toy("convert", "--plan", plan, "--out", "one.toy")
    toy("cache", "clear")
    toy("convert", "--plan", plan, "--out", "two.toy")
    assert Path("one.toy").read_bytes() == Path("two.toy").read_bytes()


def test_what_else_was_said_when_it_was_saved_is_replayed_and_may_be_said_anew(toy: Call) -> None:
    """The pixels' scale decides what is fed to the files, so it stands in their origin."""
    asked = ("--scale", "1/2", "--color", "bgr", "--input-shape", "x:1,4", "--signature", "serve")
    assert toy("plan", "model.toy", "--to", "toy-device", *asked, "--save", "plan.json").code == 0
    plain = toy("convert", "model.toy", "--to", "toy-device", *asked, "--out", "plain.toy", "--json").json
    replayed = toy("convert", "--plan", "plan.json", "--out", "replayed.toy", "--json").json
    other = toy("convert", "--plan", "plan.json", "--scale", "1/4", "--out", "other.toy", "--json").json
    told = [r["details"]["provenance"]["preprocess"] for r in (plain, replayed, other)]
    assert told[0] == told[1] and told[0]["scale"] == 0.5 and told[0]["color"] == "bgr"
    assert told[2]["scale"] == 0.25
    saved = replay.load(Path("plan.json"))
    assert (saved.input_shapes, saved.signature) == ({"x": (1, 4)}, "serve")


def test_that_code_may_run_is_never_saved(toy: Call) -> None:
    assert toy("plan", "model.toy", "--to", "toy-device", "--trust-pickle", "--save", "plan.json").code == 0
    assert "trust" not in Path("plan.json").read_text()


def test_its_model_lies_where_it_lay_beside_the_plan(toy: Call, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(plan.read_text())["source"] == "model.toy"
    place = plan.absolute()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert toy("convert", "--plan", place).code == 0


CHANGES = {
    "edgeroute": ({"edgeroute": "0.0.1"}, "edgeroute was 0.0.1"),
    "model": ({"sha256": "0" * 64}, "is another file"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_has_changed_since_is_said(toy: Call, plan: Path, kind: str) -> None:
    values, sentence = CHANGES[kind]
    plan.write_text(json.dumps({**json.loads(plan.read_text()), **values}))
    said = toy("convert", "--plan", plan, "--json")
    assert said.code == 0
    assert sentence in said.err
    assert any(sentence in s for s in said.json["details"]["replay"]["changed"])


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [("version", "0", "was version 0"), ("code", "x", "the code of second-ab has changed"), ("pins", "x", "runs in another environment")],
)
def test_a_changed_edge_is_named(toy: Call, plan: Path, field: str, value: str, sentence: str) -> None:
    table = json.loads(plan.read_text())
    table["steps"][0][field] = value
    plan.write_text(json.dumps(table))
    assert sentence in toy("convert", "--plan", plan).err


def test_an_edited_plugin_is_seen(edgeroute: Call, toy: Call, plan: Path, tmp_path: Path) -> None:
    place = tmp_path / "toyplugin.py"
    place.write_text(TOY.read_text() + "\n# edited\n")
    said = edgeroute("convert", "--plan", plan, "--plugin", place)
    assert said.code == 0, said.err
    assert "the code of second-ab has changed" in said.err


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("--plan", "nothing.json"), "source-missing", 3),
        (("--plan", "model.toy"), "plan-unreadable", 3),
        (("--plan", "plan.json", "--to", "strict-device"), "plan-other-target", 2),
    ],
)
def test_what_is_no_plan_is_refused(toy: Call, plan: Path, words: tuple[str, ...], code: str, exit_code: int) -> None:
    said = toy("convert", *words, "--json")
    assert (said.code, said.json["error"]["code"]) == (exit_code, code)


def test_a_route_whose_edge_is_gone_does_not_take_another(toy: Call, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("second-ab:", "gone-ab:"))
    said = toy("convert", "--plan", plan, "--json")
    assert (said.code, said.json["error"]["code"]) == (4, "plan-edge-gone")
    assert "gone-ab:toy-a->toy-b" in said.json["error"]["message"]


def test_a_plan_of_a_format_wants_a_model(toy: Call) -> None:
    assert toy("plan", "toy-a", "--to", "toy-device", "--save", "p.json").code == 0
    assert toy("convert", "--plan", "p.json", "--json").json["error"]["code"] == "plan-without-model"
    assert toy("convert", "model.toy", "--plan", "p.json").code == 0


def test_plans_are_drawn(toy: Call) -> None:
    assert toy("plan", "toy-a", "--to", "toy-device", "--dot").out.startswith("digraph")
    assert toy("plan", "toy-a", "--to", "toy-device", "--html", "p.html").code == 0
    assert "<html" in Path("p.html").read_text()
