"""`--json` of every command: one document on stdout that obeys the schema in the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edgeroute.cli.main import COMMANDS
from edgeroute.report.schema import KINDS, schema
from tests.cli.conftest import TOY, Call, Said

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
PRINTS: dict[str, list[tuple[str, str]]] = {
    "convert": [("convert", "convert model.toy --to toy-device")],
    "plan": [("plan", "plan model.toy --to toy-device"), ("plan", "plan toy-b --to toy-device -k 1")],
    "check": [("check", "check model.toy --to toy-device --no-run")],
    "inspect": [("inspect", "inspect model.toy")],
    "list": [("list-formats", "list formats"), ("list-converters", "list converters"), ("list-targets", "list targets")],
    "plugins": [("plugins", "plugins")],
    "env": [("env-list", "env list"), ("env", "env check runtime"), ("env", "env build runtime"), ("env", "env remove runtime")],
    "cache": [("cache", "cache info"), ("cache", "cache clear")],
    "doctor": [("doctor", "doctor")],
    "plugin": [("plugin", "plugin new acme")],
    "completion": [("completion", "completion bash")],
    "explain": [("explain", "explain shape-open"), ("explain", "explain toy-operator"), ("explain", "explain no-route")],
}
"""Command → the schema and the words of calls that end well with the toy plugin."""
ELSEWHERE = {"finish", "verify", "blame", "device"}
"""Commands whose documents are validated beside the tests of what they do, since they need a bundle, a delivered file or a camera."""
BESIDE = {"error", "deploy", "handover", "batch"}
"""Documents that are no command's own."""


def obeys(said: Said, kind: str) -> Any:
    value = said.json
    Draft202012Validator(schema(kind)).validate(value)
    return value


@pytest.mark.parametrize(("kind", "words"), [pair for pairs in PRINTS.values() for pair in pairs], ids=lambda v: v.replace(" ", "-"))
def test_json_obeys_its_schema(toy: Call, kind: str, words: str) -> None:
    if kind == "check":
        assert toy("convert", "model.toy", "--to", "toy-device", "--out", "model.toy2").code == 0
        words = words.replace("model.toy", "model.toy2")
    said = toy(*words.split(), "--json")
    assert said.code == 0, said.err
    obeys(said, kind)


@pytest.mark.parametrize("words", ["list converters", "list targets", "list formats", "env list", "plugins", "doctor", "explain TFL-006"])
def test_json_of_the_built_in_plugins_obeys_too(edgeroute: Call, words: str) -> None:
    said = edgeroute(*words.split(), "--json")
    kind = words if words.startswith(("env", "list")) else words.split()[0]
    assert said.code == 0 and obeys(said, kind.replace(" ", "-"))


def test_doctor_says_where_it_found_a_vendors_tool(edgeroute: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiler = tmp_path / "edgetpu_compiler"
    compiler.write_text("#!/bin/sh\necho Edge TPU Compiler version 16.0\n")
    compiler.chmod(0o755)
    (tmp_path / "cv25.env").write_text("")
    monkeypatch.setenv("EDGEROUTE_EDGETPU_COMPILER", str(compiler))
    monkeypatch.setenv("EDGEROUTE_AMBARELLA_CV25", str(tmp_path / "cv25.env"))
    monkeypatch.setenv("EDGEROUTE_AMBARELLA_CV75", "/nowhere")
    said = edgeroute("doctor", "--json")
    told = {t["name"]: t for t in obeys(said, "doctor")["tools"]}
    assert told["edgetpu-compiler"] == {
        "name": "edgetpu-compiler",
        "how": "variable",
        "where": str(compiler),
        "version": "Edge TPU Compiler version 16.0",
    }
    assert told["ambarella-cv25"]["where"] == str(tmp_path / "cv25.env") and "ambarella-cv75" not in told
    shown = " ".join(edgeroute("doctor").out.split())
    assert f"after its script {tmp_path / 'cv25.env'}" in shown and "✗ ambarella-cv75: EDGEROUTE_AMBARELLA_CV75 is '/nowhere'" in shown


def test_every_command_is_held_to_a_schema() -> None:
    assert set(PRINTS) | ELSEWHERE == set(COMMANDS)
    assert set(KINDS) - {kind for pairs in PRINTS.values() for kind, _ in pairs} <= ELSEWHERE | BESIDE


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_fails_says_so_in_json(edgeroute: Call, command: str) -> None:
    said = edgeroute(command, "--json", "--no-such-option")
    assert said.code == 2
    assert obeys(said, "error")["error"]["code"] == "bad-arguments"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_the_common_options(edgeroute: Call, command: str) -> None:
    said = edgeroute(command, "--help")
    assert said.code == 0 and said.err == ""
    assert all(option in said.out for option in ("--json", "--offline", "--plugin"))


def test_targets_are_objects_with_a_name(edgeroute: Call) -> None:
    names = [target["name"] for target in edgeroute("list", "targets", "--json").json]
    assert {"artpec7", "artpec8", "artpec9", "cv25", "cv75", "cpu"} <= set(names)


def test_a_conversion_tells_what_the_issue_asks_for(toy: Call) -> None:
    value = toy("convert", "model.toy", "--to", "toy-device", "--json").json
    assert value["status"] == "succeeded" and value["target"] == "toy-device"
    assert value["route"] == ["first-ab", "first-bc"]
    assert set(value["artifact"]) >= {"path", "format", "sha256", "bytes"}
    assert all(set(step) >= {"converter", "seconds", "peak_rss_mb", "cached", "verification"} for step in value["steps"])
    assert set(value) >= {"fidelity", "findings", "rejected"}
    assert Path(value["artifact"]["path"]).is_file()


def test_a_check_that_fails_writes_its_report_too(toy: Call, tmp_path: Path) -> None:
    said = toy("check", "model.toy", "--to", "toy-device", "--no-run", "--report", tmp_path / "check.html")
    assert said.code == 8 and "refused" in (tmp_path / "check.html").read_text(encoding="utf-8")
    refused = toy("check", "model.toy", "--to", "toy-device", "--report", tmp_path / "no" / "check.html")
    assert refused.code == 9 and "report-unwritable" in refused.err


def test_a_check_that_fails_exits_with_its_own_code_and_still_prints_its_report(toy: Call) -> None:
    said = toy("check", "model.toy", "--to", "toy-device", "--no-run", "--json")
    assert said.code == 8 and obeys(said, "check")["ok"] is False


def test_python_m_edgeroute_is_the_same_program(tmp_path: Path) -> None:
    environ = os.environ | {"EDGEROUTE_HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    ran = [
        subprocess.run(
            [*program, "plan", str(DIGITS), "--to", "artpec9", "--json"], cwd=tmp_path, env=environ, capture_output=True, text=True
        )
        for program in ([sys.executable, "-m", "edgeroute"], [sys.executable, "-c", "from edgeroute.cli.main import main; exit(main())"])
    ]
    assert ran[0].returncode == 0 and ran[0].stdout == ran[1].stdout and ran[0].stderr == ""


def test_common_options_may_stand_in_front(toy: Call, edgeroute: Call) -> None:
    said = edgeroute("--plugin", TOY, "--json", "plan", "model.toy", "--to", "toy-device")
    assert said.code == 0 and obeys(said, "plan")["source"] == "toy-a"
    assert edgeroute("--plugin").code == 2
