"""Executables that edgeroute cannot install: found, called, or missing with a remedy."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from edgeroute.errors import EnvironmentFailed
from edgeroute.tools import find_tool, invocation, require_tool, tool_version
from edgeroute.types import Tool

TOOL = Tool("compiler", ("compile_it", "compile_it_new"), "COMPILER", "download it from its vendor")


def make_executable(path: Path, text: str = "echo 'compiler 16.0'") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_it_is_found_on_path_under_any_of_its_names(tmp_path: Path) -> None:
    path = make_executable(tmp_path / "bin" / "compile_it_new")
    state = find_tool(TOOL, {"PATH": str(tmp_path / "bin")})
    assert (state.how, state.command, state.found) == ("path", (str(path),), True)


def test_missing_says_how_to_get_it() -> None:
    state = find_tool(TOOL, {"PATH": ""})
    assert (state.how, state.found, state.digest) == ("missing", False, "")
    assert "compile_it or compile_it_new is not on PATH" in state.reason
    assert state.remedy == "download it from its vendor"
    with pytest.raises(EnvironmentFailed) as caught:
        require_tool(TOOL, {"PATH": ""})
    assert caught.value.code == "tool-missing"


@pytest.mark.parametrize("value", ["bin/odd name", "bin", "bin/odd\\ name --fast"])
def test_the_variable_holds_a_path_a_folder_or_a_command(tmp_path: Path, value: str) -> None:
    make_executable(tmp_path / "bin" / "odd name")
    make_executable(tmp_path / "bin" / "compile_it")
    state = find_tool(TOOL, {"PATH": "", "COMPILER": f"{tmp_path}/{value}"})
    assert state.how == "variable"
    assert subprocess.run([*state.command], capture_output=True, text=True, check=True).stdout == "compiler 16.0\n"
    assert ("--fast" in state.command) == value.endswith("--fast")


def test_a_command_prefix_is_looked_up_on_path(tmp_path: Path) -> None:
    path = make_executable(tmp_path / "bin" / "wine")
    state = find_tool(TOOL, {"PATH": str(tmp_path / "bin"), "COMPILER": "wine 'C:/my tools/compile.exe'"})
    assert state.command == (str(path), "C:/my tools/compile.exe")


@pytest.mark.parametrize("value", ["/no/such/file", "no-such-command --x", "'unbalanced", "docker:", "docker:image"])
def test_a_variable_that_points_nowhere_is_not_passed_over(tmp_path: Path, value: str) -> None:
    make_executable(tmp_path / "bin" / "compile_it")
    state = find_tool(TOOL, {"PATH": str(tmp_path / "bin"), "COMPILER": value})
    assert not state.found
    assert state.remedy != TOOL.remedy


def test_a_container_sees_the_folders_runs_as_the_user_and_without_network(tmp_path: Path) -> None:
    make_executable(tmp_path / "bin" / "docker")
    state = find_tool(TOOL, {"PATH": str(tmp_path / "bin"), "COMPILER": "docker:vendor/image:16"})
    assert (state.how, state.image) == ("docker", "vendor/image:16")
    command = invocation(state, (tmp_path / "in", tmp_path / "out"), tmp_path / "out")
    assert command[:2] == ("docker", "run")
    assert command[-3:] == ("--entrypoint", "compile_it", "vendor/image:16")
    assert command.count("--volume") == 2
    assert f"{tmp_path / 'in'}:{tmp_path / 'in'}" in command
    assert command[command.index("--network") + 1] == "none"
    assert command[command.index("--user") + 1] == f"{os.getuid()}:{os.getgid()}"


def test_outside_a_container_nothing_is_put_around_the_command(tmp_path: Path) -> None:
    path = make_executable(tmp_path / "compile_it")
    assert invocation(find_tool(TOOL, {"PATH": str(tmp_path)}), (tmp_path,), tmp_path) == (str(path),)


def test_the_version_is_the_first_line_of_its_answer(tmp_path: Path) -> None:
    make_executable(tmp_path / "compile_it", "echo 'compiler 16.0'; echo more")
    assert tool_version(find_tool(TOOL, {"PATH": str(tmp_path)}), tmp_path) == "compiler 16.0"
    make_executable(tmp_path / "compile_it", "echo usage; exit 2")
    assert tool_version(find_tool(TOOL, {"PATH": str(tmp_path)}), tmp_path) == ""
    assert tool_version(find_tool(TOOL, {"PATH": ""}), tmp_path) == ""


def test_the_digest_changes_with_the_tool(tmp_path: Path) -> None:
    path = make_executable(tmp_path / "compile_it")
    before = find_tool(TOOL, {"PATH": str(tmp_path)}).digest
    assert find_tool(TOOL, {"PATH": str(tmp_path)}).digest == before
    make_executable(path, "echo 'compiler 17.0 (new)'")
    assert find_tool(TOOL, {"PATH": str(tmp_path)}).digest != before
