"""The work behind `onnx2tf-savedmodel`: version 1.x builds a Keras graph, saves it and lets TensorFlow's converter write."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeroute.types import Facts
from edgeroute_plugins.onnx2tf.borders import Scratch
from edgeroute_plugins.onnx2tf.finish import finish
from edgeroute_plugins.onnx2tf.options import Options
from edgeroute_plugins.onnx2tf.run import convert
from edgeroute_plugins.onnx2tf.scratch import prepare

SAMPLE_FILE = "calibration_image_sample_data_20x128x128x3_float32.npy"
"""What 1.x would fetch from the network for every model with image inputs, unless a file of this name is in the current folder."""
SAVED = ("saved_model.pb", "fingerprint.pb", "variables", "assets")
SPELLED_OUT = ("Erf",)
"""Operators that the tool hands to TensorFlow and TFLite lacks; its own spelling of them is exact to 2e-7 (GELU as ONNX writes it needs one)."""


def run(source: Path, out: Path, options: Options) -> Facts:
    """Write `source`, whose shapes are static, as a float `.tflite`; images become channels-last, names and order stay.

    Raises ConverterFailed where the tool ends without a file.
    """
    with converted(source, out, options) as (tflite, scratch):
        return Facts(notes=finish(tflite, out, scratch))


def run_saved_model(source: Path, out: Path, options: Options) -> Facts:
    """Write `source` as a SavedModel folder: signature `serving_default`, outputs `output_0`, `output_1`, … in the source's order."""
    with converted(source, out, options) as (tflite, scratch):
        out.mkdir(parents=True, exist_ok=True)
        for part in (tflite.parent / name for name in SAVED):
            if part.exists():
                shutil.move(part, out / part.name)
        inputs = {b.name: b.alias for b in scratch.inputs}
        return Facts(notes={"inputs": inputs, "outputs": {b.name: f"output_{i}" for i, b in enumerate(scratch.outputs)}})


@contextmanager
def converted(source: Path, out: Path, options: Options) -> Iterator[tuple[Path, Scratch]]:
    """The tool's float `.tflite`, with the SavedModel beside it, in a folder that is gone afterwards."""
    source, out = source.resolve(), out.resolve()
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="onnx2tf-") as folder, working_in(Path(folder)):
        write_sample(Path(folder) / SAMPLE_FILE)
        scratch = prepare(source, Path(folder), options.keep_inputs, plain=True)
        options = dataclasses.replace(options, pseudo_operators=(*options.pseudo_operators, *SPELLED_OUT))
        yield convert(scratch, Path(folder) / "out", options), scratch


def write_sample(path: Path) -> None:
    """Random pictures in 0..1, float32 [20, 128, 128, 3], under the name that the tool looks for."""
    import numpy as np

    np.save(path, np.random.default_rng(0).random((20, 128, 128, 3), dtype=np.float32))


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Make a folder the current one for a while; the tool reads and writes there."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
