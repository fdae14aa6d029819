"""What a colleague who has the toolchain gets: calibration data and the script, beside the model."""

from __future__ import annotations

from pathlib import Path

from edgeroute.types import Facts
from edgeroute_plugins.ambarella import commands
from edgeroute_plugins.ambarella.options import Options
from edgeroute_plugins.ambarella.script import SCRIPT
from edgeroute_plugins.ambarella.work import prepare


def onnx_to_cv25(model: Path, folder: Path, options: Options) -> Facts:
    return hand_over(model, folder, "cv25", options)


def onnx_to_cv75(model: Path, folder: Path, options: Options) -> Facts:
    return hand_over(model, folder, "cv75", options)


def tflite_to_cv25(model: Path, folder: Path, options: Options) -> Facts:
    return hand_over(model, folder, "cv25", options)


def hand_over(model: Path, folder: Path, chip: str, options: Options) -> Facts:
    """Write run.sh and the calibration data for one chip."""
    prepared = prepare(model, folder, chip, options)
    count = prepared.notes["calibration"]["samples"]
    holds = {
        (f.images if f.picture and options.calibration_files == "images" else f.folder)
        + "/": f"{count} calibration samples for the input {f.name}"
        for f in prepared.feeds
    }
    needs = (
        "Ambarella's CNNGen, which its partners have. In a shell where its commands are found, or with "
        f"`ENV_SCRIPT=/path/to/amba-cv-tools/env/{chip}.env` in front of the command below:"
    )
    told = {"script": SCRIPT, "produces": commands.produces(chip), "holds": holds, "chip": chip, "needs": needs}
    return Facts(notes={**prepared.notes, **told}, findings=prepared.findings)
