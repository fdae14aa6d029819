"""Several conversions at once, from the command line and from edgeroute.toml."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edgeroute.cli import convert_, several
from edgeroute.cli.config import Config
from edgeroute.report.schema import schema
from tests.cli.conftest import Call


def toy_model(path: Path, factor: float = 2.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"kind": "toy-a", "factor": factor}))
    return path


def steps(item: dict[str, object]) -> list[tuple[str, bool]]:
    result = item["result"]
    assert isinstance(result, dict)
    return [(s["converter"], s["cached"]) for s in result["steps"]]


def test_two_models_for_two_devices(toy: Call) -> None:
    toy_model(Path("other.toy"), 3.0)
    said = toy("convert", "model.toy", "other.toy", "--to", "toy-device,strict-device", "--out", "out/", "--set", "second-bc.mood=polished")
    assert said.code == 0, said.err
    assert "4 of 4 succeeded" in said.out
    assert said.out.count("exact") == 4 and "200.0 dB" not in said.out
    assert sorted(p.name for p in Path("out").glob("*.toy")) == [
        "model.strict-device.toy", "model.toy-device.toy", "other.strict-device.toy", "other.toy-device.toy",
    ]  # fmt: skip


def test_steps_that_are_shared_run_once(toy: Call) -> None:
    said = toy("convert", "model.toy", "--to", "toy-device,strict-device", "--set", "second-bc.mood=polished", "--json")
    first, second = said.json["items"]
    assert steps(first) == [("first-ab", False), ("first-bc", False)]
    assert steps(second)[0] == ("first-ab", True)


def test_some_fail_and_the_others_stand(toy: Call) -> None:
    toy_model(Path("good.toy"))
    Path("bad.toy").write_text("nonsense")
    said = toy("convert", "good.toy", "bad.toy", "missing.toy", "--to", "toy-device", "--json")
    assert (said.code, said.json["status"]) == (13, "partial")
    Draft202012Validator(schema("batch")).validate(said.json)
    assert [i["status"] for i in said.json["items"]] == ["succeeded", "failed", "failed"]
    assert [i["error"]["code"] for i in said.json["items"][1:]] == ["unknown-format", "source-missing"]
    assert Path("good.toy-device.toy").is_file()


def test_all_fail_with_the_code_of_their_family(toy: Call) -> None:
    said = toy("convert", "a.toy", "b.toy", "--to", "toy-device")
    assert said.code == 3
    assert "0 of 2 succeeded" in said.out and "there is no file a.toy" in said.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("model.toy", "--to", "toy-device,toy-devise"), "unknown-target"),
        (("model.toy", "sub/model.toy", "--to", "toy-device"), "batch-collision"),
        (("model.toy", "other.toy", "--to", "toy-device", "--out", "one.toy"), "batch-collision"),
        (("model.toy", "other.toy", "--to", "toy-device", "--set", "first-ab.mod=x"), "unknown-option"),
        (("model.toy", "other.toy"), "bad-arguments"),
        (("--to", "toy-device"), "bad-arguments"),
        (("model.toy",), "bad-arguments"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(toy: Call, tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    toy_model(Path("sub/model.toy"))
    toy_model(Path("other.toy"))
    said = toy("convert", *words, "--json")
    assert (said.code, said.json["error"]["code"]) == (2, code)
    assert not (tmp_path / "home" / "steps").exists()


CONFIG = """
[defaults]
out = "out/"
targets = ["toy-device"]

[models.small]
source = "models/small.toy"

[models.large]
source = "models/large.toy"
targets = ["toy-device", "strict-device"]
[models.large.set]
"second-bc.mood" = "polished"
[models.large.on.strict-device]
avoid = "first-bc"

[profiles.quick]
models = ["small"]
time-limit = 60
"""


LAYERS = """
[defaults]
out = "out/"
targets = ["toy-device", "strict-device"]
time-limit = 1
[defaults.on.toy-device]
time-limit = 2
[models.small]
source = "models/small.toy"
[models.large]
source = "models/large.toy"
time-limit = 3
[models.large.on.strict-device]
time-limit = 4
[models.large.on.strict-device.set]
"second-bc.mood" = "polished"
[profiles.quick.on.toy-device]
time-limit = 5
"""


@pytest.fixture
def config(toy: Call) -> Path:
    folder = Path("project")
    toy_model(folder / "models" / "small.toy")
    toy_model(folder / "models" / "large.toy", 5.0)
    file = folder / "edgeroute.toml"
    file.write_text(CONFIG)
    return file


def test_a_config_file_stands_for_its_conversions(toy: Call, config: Path) -> None:
    said = toy("convert", "--config", config, "--json")
    assert said.code == 0, said.out
    assert [(Path(i["source"]).name, i["target"]) for i in said.json["items"]] == [
        ("small.toy", "toy-device"), ("large.toy", "toy-device"), ("large.toy", "strict-device"),
    ]  # fmt: skip
    assert said.json["items"][2]["result"]["route"] == ["first-ab", "second-bc"]
    assert said.json["items"][2]["result"]["rejected"] == []
    assert len(list((config.parent / "out").glob("*.toy"))) == 3


def test_a_profile_picks_and_the_command_line_wins(toy: Call, config: Path) -> None:
    quick = toy("convert", "--config", config, "--profile", "quick", "--json").json
    assert [Path(i["source"]).name for i in quick["items"]] == ["small.toy"]
    other = toy("convert", "--config", config, "--to", "toy-device", "--avoid", "first-ab", "--json").json
    assert [i["result"]["route"][0] for i in other["items"]] == ["second-ab", "second-ab"]


@pytest.mark.parametrize(("profile", "limits"), [("", [2, 1, 3, 4]), ("quick", [5, 1, 5, 4])])
def test_every_table_may_say_something_on_a_target(config: Path, profile: str, limits: list[int]) -> None:
    config.write_text(LAYERS)
    told = list(Config(config).conversions(profile, convert_.parser()))
    assert [convert_.parser().parse_args([source, *words]).time_limit for source, _, words in told] == limits
    assert [any("second-bc.mood" in w for w in words) for _, _, words in told] == [False, False, False, True]


def test_a_default_that_the_command_line_names_wins_too(toy: Call, config: Path) -> None:
    config.write_text(LAYERS.replace("time-limit = 1", 'effort = "balanced"\ninput-shape = [1, 3]'))
    told = several._conversions(shown(config, "--effort", "auto", "--input-shape", "2,3"))
    assert {own.effort for _, _, own in told} == {"auto"}
    assert {tuple(own.input_shape) for _, _, own in told} == {("1,3", "2,3")}
    assert {own.effort for _, _, own in several._conversions(shown(config))} == {"balanced"}


def shown(config: Path, *words: str) -> argparse.Namespace:
    """What the program makes of its words."""
    given = ["--config", str(config), *words]
    arguments = convert_.parser().parse_args(given)
    arguments.words = given
    return arguments


def test_the_file_of_the_current_folder_is_taken(toy: Call, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    assert len(toy("convert", "--json").json["items"]) == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("avoid =", "avoidd =", "avoid"),
        ("time-limit = 60", "time-limits = 60", "time-limit"),
        ('models = ["small"]', 'models = ["smal"]', "small"),
        ("[profiles.quick]", "[profile.quick]", "profiles"),
        ('source = "models/small.toy"', "", "source"),
        ('targets = ["toy-device"]\n', "", "targets"),
        ("[defaults]", "[defaults", "TOML"),
        ("time-limit = 60", "json = true", "no option of a conversion"),
        ("time-limit = 60", 'effort = "maxi"', "did you mean max"),
        ("time-limit = 60", 'effort = "maxi"', "edgeroute.toml asks for small.toy to toy-device"),
        ("time-limit = 60", "help = true", "no option of a conversion"),
        ("time-limit = 60", 'source = "x.toy"', "says source in profiles.quick"),
        ("time-limit = 60", 'allow-degraded = "no"', "allow-degraded = true"),
        ('out = "out/"', 'out = "out/"\nmodels = ["small"]', "says models in defaults"),
        ('avoid = "first-bc"', 'targets = ["toy-device"]', "says targets in models.large.on.strict-device"),
        ("[models.large.on.strict-device]", "[models.large.on.strict-devise]", "did you mean strict-device"),
        ("[models.large.on.strict-device]", "[defaults.on.strict-devise]", "did you mean strict-device"),
    ],
)
def test_a_config_file_that_means_nothing_is_told_with_what_comes_nearest(toy: Call, config: Path, old: str, new: str, said: str) -> None:
    config.write_text(CONFIG.replace(old, new, 1))
    answer = toy("convert", "--config", config, "--profile", "quick", "--json")
    assert answer.code == 2, answer.out
    error = answer.json["error"]
    assert said in f"{error['message']} {error['remedy']}"


def test_a_target_that_the_file_does_not_ask_for_is_told_with_those_that_it_does(toy: Call, config: Path) -> None:
    error = toy("convert", "--config", config, "--to", "toy-device,cpu", "--json").json["error"]
    assert error["code"] == "config-unknown" and "no conversion to cpu" in error["message"]
    assert "strict-device, toy-device" in error["remedy"]


def test_a_missing_profile_and_a_missing_file(toy: Call, config: Path) -> None:
    assert toy("convert", "--config", config, "--profile", "quik").code == 2
    assert toy("convert", "--config", "nothing.toml").code == 3


def test_what_several_write_has_names_of_its_own(toy: Call) -> None:
    toy_model(Path("other.toy"))
    said = toy("convert", "model.toy", "other.toy", "--to", "toy-device", "--report", "r.md", "--c-header", "r.h")
    assert said.code == 0, said.err
    assert sorted(p.name for p in Path().glob("*.h")) == ["r.model.toy-device.h", "r.other.toy-device.h"]
    assert sorted(p.name for p in Path().glob("r.*.md")) == ["r.model.toy-device.md", "r.other.toy-device.md"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("defaults = 3", "defaults"),
        ("defaults.set = 3", "defaults.set"),
        ("defaults.on = 3", "defaults.on"),
        ("profiles.quick.on.toy-device = 3", "profiles.quick.on.toy-device"),
        ("models.a = 3", "models.a"),
        ("models.a.set = 3", "models.a.set"),
        ("models.a.on = 3", "models.a.on"),
        ("models.a.on.toy-device = 3", "models.a.on.toy-device"),
        ("models.a.on.toy-device.set = 3", "models.a.on.toy-device.set"),
        ("profiles = 3", "profiles"),
        ("profiles.quick = 3", "profiles.quick"),
    ],
)
def test_what_should_be_a_table_is_named(toy: Call, text: str, place: str) -> None:
    Path("edgeroute.toml").write_text(text)
    said = toy("convert", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "config-unknown")
    assert f"says 3 for {place}," in said.json["error"]["message"] and f"write [{place}]" in said.json["error"]["remedy"]
