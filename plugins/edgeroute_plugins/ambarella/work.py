"""What compiling here and handing over share: the folder with calibration data and script. Runs in the worker (numpy)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Finding, Json, Severity, Tensor, to_json
from edgeroute_plugins.ambarella import commands
from edgeroute_plugins.ambarella.feeds import Feed, feeds_of
from edgeroute_plugins.ambarella.options import Options
from edgeroute_plugins.ambarella.pictures import write_calibration
from edgeroute_plugins.ambarella.script import write_script

OUTPUTS = {"fp32": "float32", "fp16": "float16", "fx8": "int8", "fx16": "int16"}


@dataclass(frozen=True)
class Prepared:
    """A folder in which run.sh can be run."""

    feeds: tuple[Feed, ...]
    commands: tuple[str, ...]
    notes: dict[str, Json]
    findings: tuple[Finding, ...]


def prepare(model: Path, folder: Path, chip: str, options: Options) -> Prepared:
    """Write calibration data and run.sh beside the model."""
    facts = facts_of(model)
    feeds = feeds_of(facts.inputs, options)
    counts = write_calibration(folder, facts.inputs, feeds, options)
    words = commands.commands(model.name, model.suffix, feeds, facts.outputs, chip, options)
    write_script(folder, words, chip, commands.produces(chip), options.env_script)
    notes: dict[str, Json] = {
        "commands": words,
        "calibration": counts,
        "device_inputs": [to_json(_fed(t, f)) for t, f in zip(facts.inputs, feeds, strict=True)],
        "device_outputs": [to_json(replace(t, dtype=OUTPUTS[options.output_format])) for t in facts.outputs],
    }
    return Prepared(tuple(feeds), tuple(words), notes, tuple(_findings(feeds, options)))


def facts_of(model: Path) -> Facts:
    """Names and shapes of the model's border, read from the file."""
    from edgeroute_plugins.onnx.plugin import edgeroute_recognize as onnx
    from edgeroute_plugins.tflite.plugin import edgeroute_recognize as tflite

    found = tflite(model) if model.suffix == ".tflite" else onnx(model)
    if found is None:
        raise SourceError(f"{model.name} is no model", remedy="convert it again", where=model.name, code="unknown-format")
    return found.facts


def _fed(tensor: Tensor, feed: Feed) -> Tensor:
    """An input as the compiled file takes it."""
    if not feed.picture:
        return tensor
    return replace(tensor, shape=feed.shape, dtype="uint8", layout="NCHW", scale=(), zero_point=())


def _findings(feeds: list[Feed], options: Options) -> list[Finding]:
    found = []
    calibration = options.calibration
    if calibration is not None and calibration.random:
        found.append(
            Finding(
                "uncalibrated", Severity.WARNING, "no calibration images were given: the compiler will quantize with noise",
                "add --calibrate FOLDER with 100 to 200 typical images", cost=1.0,
            )
        )  # fmt: skip
    if any(len(set(f.mean)) > 1 or len(set(f.divisor)) > 1 for f in feeds):
        found.append(
            Finding(
                "ambarella-per-channel",
                Severity.WARNING,
                "the parser is given one mean and divisor per channel (im:, ic:); that form is not documented publicly",
                "fold the preprocessing into the model, which then takes pixels: --via camera",
                cost=0.3,
            )
        )
    return found
