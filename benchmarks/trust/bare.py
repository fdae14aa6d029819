"""The bare tools as edges: the commands of their own pages, and nothing else. A plugin file, for `--plugin`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Calibration, Converter, Cost, Facts, option


@dataclass(frozen=True)
class ToTFLite:
    shape: str = option("", "what goes to -ois")
    helper: bool = option(True, "whether the tool finds its helper program onnxsim")


@dataclass(frozen=True)
class ToInt8:
    calibration: Calibration | None = option(None, "what it calibrates with", fill="calibration")


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter("bare-onnx2tf", "onnx", "tflite", f"{__name__}:to_tflite", ToTFLite, environment="onnx2tf", cost=Cost(0.5), on_request=True),
        Converter("bare-quantizer", "tflite", "tflite-int8", f"{__name__}:to_int8", ToInt8, environment="ai-edge-quantizer", cost=Cost(0.5), on_request=True),
    ]  # fmt: skip


def command(python: Path, source: Path, folder: Path, shape: str) -> list[str]:
    """As the tool's own page says it, with the shape pinned where the file leaves it open; `python` is that of the tool's environment."""
    return [str(python.with_name("onnx2tf")), "-i", str(source), "-o", str(folder), *(["-ois", shape] if shape else [])]


def surroundings(helper: bool) -> dict[str, str]:
    """The environment variables; without the helper, PATH lacks the folder that the tool's programs are in."""
    own = str(Path(sys.executable).parent)
    path = [p for p in os.environ["PATH"].split(os.pathsep) if p != own]
    return {**os.environ, "PATH": os.pathsep.join([own, *path] if helper else path)}


def to_tflite(source: Path, out: Path, options: ToTFLite) -> Facts:
    """Run onnx2tf, believe its exit code, and hand over what it says that it wrote."""
    folder = out.parent / "written"
    done = subprocess.run(command(Path(sys.executable), source, folder, options.shape), env=surroundings(options.helper), check=False)
    if done.returncode:
        sys.exit(done.returncode)
    written = sorted(folder.glob("*_float32.tflite"))
    if written:
        shutil.copyfile(written[0], out)
    return Facts()


def to_int8(source: Path, out: Path, options: ToInt8) -> Facts:
    """Quantize with ai-edge-quantizer's stock recipe: everything static, 8 bit, one scale per channel of the weights."""
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(str(source), recipe.static_wi8_ai8())
    assert options.calibration is not None
    samples = options.calibration.array(0)[: options.calibration.usable]
    ranges = tool.calibrate(_data(source, samples))
    tool.quantize(ranges).export_model(str(out), overwrite=True)
    return Facts()


def _data(source: Path, samples: np.ndarray) -> dict[str, list[dict[str, np.ndarray]]]:
    """The samples under the name of the model's only signature and input."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(source))
    (signature,) = interpreter.get_signature_list()
    (name,) = interpreter.get_signature_list()[signature]["inputs"]
    shape = interpreter.get_input_details()[0]["shape"]
    channels_last = samples.ndim == 4 and shape[-1] == samples.shape[1] != samples.shape[-1]
    rows = samples.transpose(0, 2, 3, 1) if channels_last else samples
    return {signature: [{name: np.ascontiguousarray(row[None])} for row in rows]}
