"""The completion scripts, sourced in the shells that this computer has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgeroute.cli.completion_ import PLACES
from tests.cli.conftest import Call

SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
"""Continuous integration has all three."""
BASH = """
source ./script
COMP_WORDS=({words} "{begun}"); COMP_CWORD=${{#COMP_WORDS[@]}}; let COMP_CWORD-=1
_shtab_edgeroute edgeroute "{begun}" "${{COMP_WORDS[COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
FISH = "source ./script; complete -C '{words} {begun}'"
ZSH = """
fpath=($PWD/folder $fpath)
autoload -Uz compinit; compinit -u -D
print $_comps[edgeroute]
autoload +X _edgeroute && print loaded
"""


def offered(shell: str, words: str, begun: str) -> list[str]:
    """What a shell offers for a word that was begun."""
    text = (BASH if shell == "bash" else FISH).format(words=words, begun=begun)
    plain = {"bash": "--norc", "fish": "--no-config"}[shell]
    said = subprocess.run([shell, plain, "-c", text], capture_output=True, text=True, check=True, timeout=60)
    assert said.stderr == ""
    return [line.partition("\t")[0].rstrip("/") for line in said.stdout.splitlines()]


@pytest.mark.parametrize("shell", [s for s in SHELLS if s != "zsh"])
def test_a_shell_completes_commands_options_files_devices_and_converters(edgeroute: Call, shell: str) -> None:
    Path("script").write_text(edgeroute("completion", shell).out)
    Path("model.onnx").touch()
    Path("images").mkdir()
    assert offered(shell, "edgeroute", "conv") == ["convert"]
    assert offered(shell, "edgeroute convert", "--calib") == ["--calibrate"]
    assert offered(shell, "edgeroute convert", "mod") == ["model.onnx"]
    assert offered(shell, "edgeroute convert model.onnx --calibrate", "im") == ["images"]
    assert offered(shell, "edgeroute convert model.onnx --to", "artpec") == ["artpec7", "artpec7-gpu", "artpec8", "artpec9"]
    assert offered(shell, "edgeroute plan model.onnx --via", "onnxs") == ["onnxslim"]
    assert offered(shell, "edgeroute env build", "tens") == ["tensorflow"]
    assert offered(shell, "edgeroute list", "t") == ["targets"]


@pytest.mark.parametrize("shell", [s for s in SHELLS if s == "zsh"])
def test_zsh_finds_the_script_in_its_path(edgeroute: Call, shell: str) -> None:
    Path("folder").mkdir()
    Path("folder", "_edgeroute").write_text(edgeroute("completion", shell).out)
    said = subprocess.run([shell, "-f", "-c", ZSH], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == ["_edgeroute", "loaded"]


@pytest.mark.parametrize("shell", PLACES)
def test_every_script_knows_commands_options_and_devices(edgeroute: Call, shell: str) -> None:
    said = edgeroute("completion", shell, "--json").json
    assert (said["shell"], said["place"]) == (shell, PLACES[shell])
    assert all(word in said["script"] for word in ("convert", "calibrate", "effort", "artpec8", "onnxslim"))
