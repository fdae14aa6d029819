"""Toolchains of several executables, and environment scripts that are sourced first."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgeroute.tools import find_tool, invocation, shell_invocation
from edgeroute.types import Tool

TOOL = Tool("suite", ("first", "second"), "EDGEROUTE_SUITE", "install suite")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tool bin"
    folder.mkdir()
    for name in TOOL.executables:
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" $SUITE_CHIP\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def env_script(tmp_path: Path, bin_folder: Path) -> Path:
    script = tmp_path / "env" / "suite.env"
    script.parent.mkdir()
    script.write_text(f'export PATH="{bin_folder}:$PATH" SUITE_CHIP=cv25\n')
    return script


def say(words: tuple[str, ...], *more: str, path: str = "/usr/bin:/bin") -> str:
    return subprocess.run([*words, *more], capture_output=True, text=True, check=True, env={"PATH": path}).stdout.strip()


def test_an_environment_script_is_sourced_before_the_tool(env_script: Path, tmp_path: Path) -> None:
    state = find_tool(TOOL, {"EDGEROUTE_SUITE": str(env_script), "PATH": "/usr/bin:/bin"})
    assert (state.found, state.how) == (True, "script")
    assert say(invocation(state, (), tmp_path), "-x", "a b") == "first -x a b cv25"


def test_a_command_of_the_suite_finds_its_neighbours_however_it_was_named(env_script: Path, bin_folder: Path, tmp_path: Path) -> None:
    command = ("sh", "-c", "first 1 && second 2")
    for value in (str(env_script), str(bin_folder), str(bin_folder / "first"), f"env 'PATH={bin_folder}:/usr/bin:/bin'"):
        state = find_tool(TOOL, {"EDGEROUTE_SUITE": value, "PATH": "/usr/bin:/bin"})
        assert state.found, value
        assert say(shell_invocation(state, (), tmp_path), *command).split("\n")[1].startswith("second 2")


def test_on_path_nothing_stands_in_front(bin_folder: Path, tmp_path: Path) -> None:
    state = find_tool(TOOL, {"PATH": f"{bin_folder}:/usr/bin:/bin"})
    assert (state.how, shell_invocation(state, (), tmp_path)) == ("path", ())


def test_in_a_container_the_command_runs_inside(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    state = find_tool(TOOL, {"EDGEROUTE_SUITE": "docker:amba/cnngen", "PATH": str(tmp_path)})
    words = shell_invocation(state, (tmp_path,), tmp_path)
    assert words[:2] == ("docker", "run") and words[-2:] == ("env", "amba/cnngen") and f"{tmp_path}:{tmp_path}" in words


def test_a_changed_script_is_another_tool(env_script: Path) -> None:
    environ = {"EDGEROUTE_SUITE": str(env_script), "PATH": "/usr/bin:/bin"}
    before = find_tool(TOOL, environ).digest
    env_script.write_text("export SUITE_CHIP=cv75\n")
    assert find_tool(TOOL, environ).digest != before
