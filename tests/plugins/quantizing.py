"""What the tests of both quantizers share: a float file, samples for it, and what the integer file is and computes."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.types import Converter, Facts, Json
from edgeroute_plugins.tflite import reader
from edgeroute_plugins.tflite.analysis import is_float_operator
from tests.plugins import real_tools

SHAPES = {"classifier": {"image": (3, 32, 48)}, "stubborn": {"image": (3, 24, 24)}, "two_inputs": {"image": (3, 16, 16), "extra": (4,)}}
SAMPLES = 24
HELD_BACK = 8


@functools.cache
def float_file(name: str) -> Path:
    """One of the networks as float TFLite, made once per session."""
    folder = Path(tempfile.mkdtemp(prefix="edgeroute-float-"))
    source, static, out = (folder / f"{name}{suffix}" for suffix in (".onnx", "-static.onnx", ".tflite"))
    real_tools.call("runtime", "tests.nets.onnx_nets:save", {"name": name, "path": str(source)}, folder)
    shapes = {k: [1, *v] for k, v in SHAPES[name].items()}
    real_tools.convert(real_tools.edge("onnxslim", "onnxslim", "onnx"), source, static, input_shapes=shapes)
    real_tools.convert(real_tools.edge("onnx2tf", "onnx2tf", "onnx-static"), static, out)
    return out


def calibration(name: str, folder: Path) -> dict[str, Json]:
    """Samples as the ONNX file takes them (NCHW); the held-back ones reach twice as far, to be noticed if cut off."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, shape in enumerate(SHAPES[name].values()):
        values = rng.random((SAMPLES, *shape), dtype=np.float32)
        values[-HELD_BACK:] *= 2
        np.save(folder / f"{number}.npy", values)
    return {"path": str(folder), "names": list(SHAPES[name]), "count": SAMPLES, "held_back": HELD_BACK}


def quantize(edge: Converter, name: str, folder: Path, **options: Json) -> tuple[reader.Model, Facts, Path]:
    """The integer file of a network, parsed, with the edge's facts and its path."""
    out = folder / f"{name}-{edge.target}.tflite"
    samples = calibration(name, folder / f"samples-{edge.target}")
    facts = real_tools.convert(edge, float_file(name), out, calibration=samples, **options)
    return reader.read(out), facts, out


def border(model: reader.Model) -> dict[str, str]:
    """Name → type of inputs and outputs."""
    graph = model.subgraphs[0]
    return {graph.tensors[i].name: graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)}


def floats(model: reader.Model) -> list[str]:
    """Operators that compute in float."""
    return [o.label for o in model.subgraphs[0].operators if is_float_operator(model.subgraphs[0], o)]


def per_channel(model: reader.Model) -> dict[str, int]:
    """Operator → how many of its weights have more than one scale."""
    graph = model.subgraphs[0]
    found: dict[str, int] = {}
    for operator in graph.operators:
        if any(graph.tensors[i].is_per_channel for i in operator.inputs if i >= 0):
            found[operator.name] = found.get(operator.name, 0) + 1
    return found


def input_range(model: reader.Model) -> float:
    """The largest value that the first input can express."""
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]
    return tensor.scale[0] * (255 - tensor.zero_point[0] if tensor.dtype == "uint8" else 127 - tensor.zero_point[0])


def sqnr(reference: str | Path, integer: Path, folder: Path) -> float:
    """Signal to quantization noise in dB over new samples, of all outputs, against a float file or one of the networks."""
    file = reference if isinstance(reference, Path) else float_file(reference)
    arguments: Mapping[str, Any] = {"reference": str(file), "integer": str(integer)}
    return float(real_tools.call("runtime", "tests.plugins.quantizing_inside:sqnr", arguments, folder))
