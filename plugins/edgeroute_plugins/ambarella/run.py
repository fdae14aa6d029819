"""The work behind `ambarella`: calibration data, the documented commands, and the binary told by its header."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from edgeroute.errors import ConverterFailed
from edgeroute.tools import require_tool, shell_invocation
from edgeroute.types import Facts
from edgeroute_plugins.ambarella import commands
from edgeroute_plugins.ambarella.options import Options
from edgeroute_plugins.ambarella.pictures import check_binaries
from edgeroute_plugins.ambarella.script import SCRIPT
from edgeroute_plugins.ambarella.tool import TOOLS
from edgeroute_plugins.ambarella.work import prepare
from edgeroute_plugins.devices.cavalry import chip_of


def onnx_to_cv25(source: Path, out: Path, options: Options) -> Facts:
    return compile_model(source, out, "cv25", options)


def onnx_to_cv75(source: Path, out: Path, options: Options) -> Facts:
    return compile_model(source, out, "cv75", options)


def tflite_to_cv25(source: Path, out: Path, options: Options) -> Facts:
    return compile_model(source, out, "cv25", options)


def compile_model(source: Path, out: Path, chip: str, options: Options) -> Facts:
    """Run the toolchain in a folder of its own and take its binary.

    Raises EnvironmentFailed where the toolchain is gone, ConverterFailed where a command fails or the binary is another chip's.
    """
    tool = require_tool(TOOLS[chip])
    folder = Path.cwd() / "cnngen"
    folder.mkdir()
    model = folder / f"model{source.suffix}"
    shutil.copyfile(source, model)
    prepared = prepare(model, folder, chip, options)
    start = shell_invocation(tool, (folder,), folder)
    ended = subprocess.run([*start, "bash", SCRIPT], cwd=folder, stdin=subprocess.DEVNULL, check=False)
    binary = folder / commands.produces(chip)
    if ended.returncode or not binary.is_file():
        raise ConverterFailed(
            f"Ambarella's toolchain ended with code {ended.returncode} and wrote {'a' if binary.is_file() else 'no'} binary",
            remedy="read what it said at the end of this step's log; `edgeroute check` of the file before it with --to "
            + chip
            + " may name the reason",
            code="ambarella-failed",
        )
    check_binaries(folder, prepared.feeds)
    must_be_for(binary, chip)
    shutil.move(binary, out)
    parity = "measured on the ONNX file before compilation: nothing but the chip executes this one"
    return Facts(notes={**prepared.notes, "parity": parity}, findings=prepared.findings)


def must_be_for(binary: Path, chip: str) -> None:
    """Tell the chip by the first bytes; a file of the other chip's means that the wrong environment script was sourced."""
    with binary.open("rb") as file:
        found = chip_of(file.read(64))
    if found != chip:
        raise ConverterFailed(
            f"the toolchain wrote a file for {found or 'no known chip'}, not for {chip}",
            remedy=f"let {TOOLS[chip].variable} name the environment script env/{chip}.env",
            code="CV-010",
        )
