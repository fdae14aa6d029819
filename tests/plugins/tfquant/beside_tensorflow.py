"""Runs in the environment `tensorflow`: what `native` and `integer_border` do, next to TensorFlow's own functions, which import all of it."""

from __future__ import annotations

from pathlib import Path

from edgeroute.types import Json


def differences(source: str, shape: list[list[int]]) -> list[Json]:
    """Granularity and border of every combination in which the two give other bytes; samples are random."""
    import numpy as np
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.util import modify_model_io_type

    from edgeroute_plugins.tflite import editing
    from edgeroute_plugins.tflite.legalize import flatten_slopes, legalize, shape_pad_values
    from edgeroute_plugins.tfquant import calibration, integer_border, native

    model, rng = editing.load(Path(source)), np.random.default_rng(0)
    legalize(model), flatten_slopes(model), shape_pad_values(model, rank=0)
    rows = ([rng.random(size, dtype=np.float32) for size in shape] for _ in range(4))
    calibration.write(model, calibration.measure(bytes(editing.serialize(model)), rows)[0])
    calibrated = bytes(editing.serialize(model))
    found: list[Json] = []
    for per_tensor in (False, True):
        theirs = mlir_quantize(calibrated, disable_per_channel=per_tensor, disable_per_channel_for_dense_layers=True)
        if native.quantize(calibrated, per_tensor=per_tensor, per_channel_dense=False) != theirs:
            found.append([per_tensor, "quantize"])
        for dtype in ("uint8", "int8"):
            kind = getattr(tf, dtype)
            expected, got = editing.parse(bytes(modify_model_io_type(theirs, kind, kind))), editing.parse(theirs)
            integer_border.set_types(got, dtype)
            if editing.serialize(got) != editing.serialize(expected):
                found.append([per_tensor, dtype])
    return found


def modules(source: str) -> int:
    """How many modules reading and quantizing a file takes."""
    import sys

    from edgeroute_plugins.tflite import editing
    from edgeroute_plugins.tfquant import native

    native.settle()
    editing.load(Path(source))
    native.interpreter(Path(source).read_bytes())
    return len([name for name in sys.modules if name.startswith("tensorflow.python")])
