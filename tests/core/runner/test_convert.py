"""The runner on toys: every way in which an edge can fail or lie, and what the user is told."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from edgeroute.errors import (
    CheckFailed,
    ConverterFailed,
    EdgerouteError,
    OutputError,
    PlanError,
    SourceError,
    UsageError,
    VerificationFailed,
)
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.types import ConversionResult, Facts, Limits
from edgeroute.workshop import Workshop


def ask(folder: Path, **fields: object) -> Request:
    return Request(out=folder / "out.toy", limits=Limits(seconds=20, megabytes=600), **fields)  # type: ignore[arg-type]


def with_mood(folder: Path, mood: str, edge: str = "first-bc", **fields: object) -> Request:
    return ask(folder, options={edge: {"mood": mood}}, **fields)


def run(workshop: Workshop, model: Path, request: Request, target: str = "toy-device") -> ConversionResult:
    return convert(workshop, model, target, request)


def test_the_cheapest_route_is_taken_and_every_step_is_verified(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    result = run(workshop, model, ask(tmp_path))
    assert (result.status, result.route) == ("succeeded", ("first-ab", "first-bc"))
    assert [s.verification.status for s in result.steps if s.verification] == ["passed", "passed"]
    assert result.artifact is not None
    assert json.loads(result.artifact.path.read_text()) == {"kind": "toy-c", "factor": 2.0}
    assert all(s.peak_rss_mb > 0 and s.seconds > 0 and not s.cached for s in result.steps)
    assert result.fidelity["random"] and result.calibrated, "no samples were given, and nothing needs them"


def test_the_command_of_a_step_repeats_it_beside_the_cache(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    for step in run(workshop, model, ask(tmp_path)).steps:
        assert step.artifact is not None
        before = sorted(p.name for p in Path(step.folder).iterdir())
        said = subprocess.run(shlex.split(step.command), capture_output=True, text=True, check=True, cwd="/").stdout
        out = Path(said.rpartition("its output is in ")[2].strip())
        assert (out / step.artifact.path.name).read_bytes() == step.artifact.path.read_bytes()
        assert sorted(p.name for p in Path(step.folder).iterdir()) == before


LIES = {
    "exits": "converter-exited",
    "says_goodbye": "converter-exited",
    "crashes": "converter-exited",
    "silent": "converter-wrote-nothing",
    "garbage": "step-unreadable",
    "wrong_kind": "promise-broken",
    "wrong_numbers": "float-differs",
    "dead": "",
    "unloadable": "",
    "raises": "toy-operator",
    "truncated": "step-unreadable",
    "empty": "step-unreadable",
    "a_folder": "",
    "a_link_home": "converter-wrote-nothing",
    "elsewhere": "converter-wrote-nothing",
    "exits_with_success": "converter-exited",
}


@pytest.mark.parametrize("mood", LIES)
def test_an_edge_that_fails_or_lies_is_blamed_and_the_next_route_starts_from_the_last_verified_file(
    workshop: Workshop, model: Path, tmp_path: Path, mood: str
) -> None:
    result = run(workshop, model, with_mood(tmp_path, mood))
    assert result.route == ("first-ab", "second-bc")
    assert [(r["converter"], r["from"]) for r in result.rejected] == [("first-bc", "toy-b")]
    assert result.rejected[0]["remedy"]
    if LIES[mood]:
        assert result.rejected[0]["code"] == LIES[mood]


@pytest.mark.parametrize("preflight", ["json:loads", "operator:is_", "not_there:at_all"])
def test_a_preflight_that_fails_costs_only_its_own_edge(workshop: Workshop, model: Path, tmp_path: Path, preflight: str) -> None:
    """It raises, answers no list, is not there."""
    edges = tuple(dataclasses.replace(c, preflight=preflight) if c.name == "first-ab" else c for c in workshop.catalog.converters)
    bad = dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, converters=edges))
    assert run(bad, model, ask(tmp_path)).route == ("second-ab", "first-bc")


def test_a_file_of_a_neighbouring_format_is_told_with_what_it_lacks(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    formats = dict(workshop.catalog.formats)
    formats |= {"toy-b": dataclasses.replace(formats["toy-b"], promise="tests.core.runner.test_convert:lacking")}
    shop = dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, formats=formats))
    with pytest.raises(EdgerouteError) as caught:
        convert(
            shop, model, "toy-device", Request(out=tmp_path / "out.toy", via=("first-ab",), options={"first-ab": {"mood": "wrong_kind"}})
        )
    assert caught.value.message.endswith("the file is toy-a; LOG computes in float")


def lacking(facts: Facts) -> list[str]:
    return ["LOG computes in float"]


@pytest.mark.parametrize("promise", ["json:loads", "builtins:repr", "not_there:at_all"])
def test_a_promise_that_cannot_be_asked_is_not_kept(workshop: Workshop, model: Path, tmp_path: Path, promise: str) -> None:
    formats = workshop.catalog.formats
    formats = {**formats, "toy-b": dataclasses.replace(formats["toy-b"], promise=promise)}
    with pytest.raises(EdgerouteError) as caught:
        run(dataclasses.replace(workshop, catalog=dataclasses.replace(workshop.catalog, formats=formats)), model, ask(tmp_path))
    assert caught.value.code == "promise-broken" and promise in caught.value.message


@pytest.mark.parametrize("mood", LIES)
def test_with_via_there_is_no_second_route_and_nothing_is_left_behind(workshop: Workshop, model: Path, tmp_path: Path, mood: str) -> None:
    with pytest.raises(EdgerouteError) as caught:
        run(workshop, model, with_mood(tmp_path, mood, via=("first-ab", "first-bc")))
    assert isinstance(caught.value, (ConverterFailed, VerificationFailed))
    assert "first-bc" in f"{caught.value.message} {caught.value.where}"
    assert not (tmp_path / "out.toy").exists()


@pytest.mark.parametrize("mood", ["talks", "leaves_a_child", "deletes_its_source"])
def test_bad_manners_that_spoil_nothing_are_no_failure(workshop: Workshop, model: Path, tmp_path: Path, mood: str) -> None:
    result = run(workshop, model, with_mood(tmp_path, mood))
    assert (result.status, result.route) == ("succeeded", ("first-ab", "first-bc"))
    assert result.artifact is not None
    time.sleep(1.5 if mood == "leaves_a_child" else 0)
    assert json.loads(result.artifact.path.read_text()) == {"kind": "toy-c", "factor": 2.0}
    assert not _strays(tmp_path)


def test_a_tool_that_changes_a_verified_file_does_not_pass_it_on(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        run(workshop, model, with_mood(tmp_path, "ruins_what_was_before"))
    assert caught.value.code == "source-changed" and "second-bc" in caught.value.message
    assert json.loads((run(workshop, model, ask(tmp_path)).artifact or pytest.fail()).path.read_text())["factor"] == 2.0


def _strays(folder: Path) -> list[str]:
    """Processes that work on files of this folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [place.parent.name] if str(folder).encode() in place.read_bytes() else []
    return found


def test_a_hang_ends_at_the_time_limit(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    request = dataclasses.replace(with_mood(tmp_path, "hangs"), limits=Limits(seconds=6))  # the good steps keep it on a busy machine, too
    result = run(workshop, model, request)
    assert (result.route[-1], result.rejected[0]["code"]) == ("second-bc", "converter-timeout")
    assert "--time-limit" in result.rejected[0]["remedy"]


def test_a_glutton_ends_at_the_memory_limit(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    result = run(workshop, model, with_mood(tmp_path, "gluttonous"))
    assert (result.route[-1], result.rejected[0]["code"]) == ("second-bc", "converter-memory")
    assert "--memory-limit" in result.rejected[0]["remedy"]


def test_the_source_is_sacred(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    result = run(workshop, model, with_mood(tmp_path, "overwrites", "first-ab"))
    assert model.read_bytes() == before
    assert result.status == "succeeded"


def test_the_steps_of_one_converter_share_a_folder_that_decides_nothing(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    for mood in ("good", "polished", "polished"):
        run(workshop, model, with_mood(tmp_path, mood))
    visits = {p.read_text() for p in (workshop.cache.root / "memo").glob("*/visits")}
    assert visits == {"good polished ", "good "}
    workshop.cache.clear()
    assert not list((workshop.cache.root / "memo").iterdir())
    run(workshop, model, with_mood(tmp_path, "good", check_determinism=True))
    assert {p.read_text() for p in (workshop.cache.root / "memo").glob("*/visits")} == {"good "}, "a repetition works everything out itself"


def test_what_a_failed_edge_leaves_names_no_shared_folder(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    run(workshop, model, with_mood(tmp_path, "raises"))
    jobs = [json.loads(p.read_text()) for p in (workshop.cache.root / "failed").glob("*/job.json")]
    assert [job["memo"] for job in jobs] == [""]


def test_a_failed_edge_leaves_a_folder_that_repeats_it(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    run(workshop, model, with_mood(tmp_path, "raises"))
    (kept,) = (tmp_path / "home" / "failed").iterdir()
    assert {"job.json", "log.txt", "run.sh", "in"} <= {p.name for p in kept.iterdir()}
    (kept / "outcome.json").unlink()
    again = subprocess.run(["sh", str(kept / "run.sh")], capture_output=True, text=True, check=False)
    assert "cannot do Foo at /head/Foo_1" in again.stdout + again.stderr
    assert json.loads((kept / "outcome.json").read_text())["status"] == "error"


def test_a_symptom_becomes_an_error_that_names_the_operator(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConverterFailed) as caught:
        run(workshop, model, with_mood(tmp_path, "raises", via=("first-bc",)))
    assert (caught.value.message, caught.value.remedy) == ("operator Foo at /head/Foo_1 is not supported", "rewrite Foo")


def test_when_every_edge_fails_the_last_one_is_told(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    options = {"first-bc": {"mood": "exits"}, "second-bc": {"mood": "wrong_numbers"}}
    with pytest.raises(EdgerouteError) as caught:
        run(workshop, model, ask(tmp_path, options=options))
    assert caught.value.exit_code in (6, 7)
    assert not (tmp_path / "out.toy").exists()


def test_a_breach_may_be_allowed_and_is_then_degraded(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    result = run(workshop, model, with_mood(tmp_path, "wrong_numbers", allow_degraded=True))
    assert (result.status, result.route) == ("degraded", ("first-ab", "first-bc"))


def test_a_dead_output_is_never_allowed(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    assert run(workshop, model, with_mood(tmp_path, "dead", allow_degraded=True)).route[-1] == "second-bc"


def test_a_second_run_does_no_conversion_work(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    first = run(workshop, model, ask(tmp_path))
    again = run(workshop, model, ask(tmp_path))
    assert [s.cached for s in again.steps] == [True, True]
    assert first.artifact is not None and again.artifact is not None
    assert first.artifact.sha256 == again.artifact.sha256
    assert [s.verification for s in again.steps] == [s.verification for s in first.steps]


def test_a_damaged_cache_entry_is_made_again(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    first = run(workshop, model, ask(tmp_path))
    assert first.steps[0].artifact is not None
    first.steps[0].artifact.path.write_text(json.dumps({"kind": "toy-b", "factor": 9.0}))
    again = run(workshop, model, ask(tmp_path))
    assert again.artifact is not None and again.steps[0].artifact is not None
    assert json.loads(again.artifact.path.read_text())["factor"] == 2.0
    assert json.loads(again.steps[0].artifact.path.read_text())["factor"] == 2.0


def test_a_result_that_the_users_code_decided_is_made_again_when_that_code_changes(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    asked, code = with_mood(tmp_path, "reads_code", "first-ab"), tmp_path / "network.py"
    model.write_text(json.dumps({"kind": "toy-a", "factor": 2.0, "code": str(code)}))
    code.write_text("factor = 1.0")
    assert [s.cached for s in run(workshop, model, asked).steps] == [False, False]
    assert [s.cached for s in run(workshop, model, asked).steps] == [True, True]
    code.write_text("factor = 3.0")
    assert [s.cached for s in run(workshop, model, asked).steps] == [False, True]


def test_a_file_that_breaks_a_rule_of_the_device_is_rejected_for_the_next_route(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    result = run(workshop, model, with_mood(tmp_path, "polished", "second-bc"), "strict-device")
    assert result.route == ("first-ab", "second-bc")
    assert result.rejected[0]["code"] == "TOY-001"
    with pytest.raises(CheckFailed) as caught:
        run(workshop, model, ask(tmp_path), "strict-device")
    assert (caught.value.exit_code, caught.value.code) == (8, "TOY-001")


def test_an_existing_output_is_untouched_by_a_failure_and_replaced_by_success(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    (tmp_path / "out.toy").write_text("mine")
    with pytest.raises(EdgerouteError):
        run(workshop, model, with_mood(tmp_path, "exits", via=("first-bc",)))
    assert (tmp_path / "out.toy").read_text() == "mine"
    run(workshop, model, ask(tmp_path))
    assert json.loads((tmp_path / "out.toy").read_text())["kind"] == "toy-c"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_the_result_never_goes_over_the_source(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        run(workshop, model, Request(out=model))
    assert caught.value.code == "output-is-source"


def test_no_route_and_unknown_names_are_said_before_any_work(workshop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(PlanError):
        run(workshop, model, ask(tmp_path, avoid=("first-ab", "second-ab")))
    with pytest.raises(UsageError, match="there is no target"):
        run(workshop, model, ask(tmp_path), "toy-devise")
    with pytest.raises(UsageError, match="no option mod"):
        run(workshop, model, ask(tmp_path, options={"first-ab": {"mod": "x"}}))
    assert not (tmp_path / "home" / "steps").exists()
