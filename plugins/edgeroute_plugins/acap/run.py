"""The work behind `acap-pack`: the context is written, and its own code is run on a sample in its own environment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.errors import ConverterFailed
from edgeroute.types import Facts, Json, Tensor, to_json
from edgeroute_plugins.acap import texts
from edgeroute_plugins.acap.context import infer
from edgeroute_plugins.acap.context_files import TEMPLATE, recognize
from edgeroute_plugins.acap.options import Options
from edgeroute_plugins.acap.parts import DESCRIPTION, SAMPLE, SCHEMA, SCRIPT, Kind, kind_of
from edgeroute_plugins.feeding import Slot, samples

Array = Any
TOLERANCES = {"float": 1e-3, "int8": 0.05}
"""Largest difference of an output relative to its range, between this computer's and the camera's arithmetic."""
IGNORED = "__pycache__\nREADME.md\nDockerfile\n"


def acap_onnx(source: Path, out: Path, options: Options) -> Facts:
    return pack(source, out, kind_of("acap-onnx"), options)


def acap_tflite(source: Path, out: Path, options: Options) -> Facts:
    return pack(source, out, kind_of("acap-tflite"), options)


def acap_tflite_int8(source: Path, out: Path, options: Options) -> Facts:
    return pack(source, out, kind_of("acap-tflite-int8"), options)


def acap32_tflite(source: Path, out: Path, options: Options) -> Facts:
    return pack(source, out, kind_of("acap32-tflite"), options)


def acap32_tflite_int8(source: Path, out: Path, options: Options) -> Facts:
    return pack(source, out, kind_of("acap32-tflite-int8"), options)


def pack(source: Path, out: Path, kind: Kind, options: Options) -> Facts:
    """Write the context into the folder `out` and run it on a sample; raises ConverterFailed where it does not give its own answers again."""
    model = out / "model" / f"model{kind.suffix}"
    model.parent.mkdir(parents=True)
    shutil.copyfile(source, model)
    _companions(source, model)
    shutil.copyfile(TEMPLATE, out / SCRIPT)
    (out / DESCRIPTION).write_text(json.dumps({"schema": SCHEMA, "format": kind.format, "model": f"model/{model.name}"}), encoding="utf-8")
    found = recognize(out)
    facts = found.facts if found is not None else Facts()
    _describe(out, kind, facts, options)
    _texts(out, kind, facts, options)
    return Facts(notes={"arch": kind.arch, "runtime": kind.runtime, "self_test": _sample(out, facts.inputs, options)})


def _companions(source: Path, model: Path) -> None:
    """External data of an ONNX file, under the names that stand in it."""
    from edgeroute_plugins.onnx import external, header

    for file in external.external_files(source, header.read(source)) if source.suffix == ".onnx" else ():
        copy = model.parent / file.relative_to(source.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _describe(out: Path, kind: Kind, facts: Facts, options: Options) -> None:
    told: dict[str, Json] = {
        "schema": SCHEMA,
        "format": kind.format,
        "arch": kind.arch,
        "runtime": kind.runtime,
        "model": f"model/model{kind.suffix}",
        "threads": options.threads,
        "tolerance": TOLERANCES[kind.precision],
        "inputs": to_json(facts.inputs),
        "outputs": to_json(facts.outputs),
        "preprocess": to_json(options.preprocess),
    }
    (out / DESCRIPTION).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _texts(out: Path, kind: Kind, facts: Facts, options: Options) -> None:
    files = {
        "Dockerfile": texts.dockerfile(kind),
        "requirements.txt": texts.requirements(kind),
        "README.md": texts.readme(kind, facts.inputs, facts.outputs, options.preprocess),
        ".dockerignore": IGNORED,
    }
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")


def _sample(out: Path, inputs: Sequence[Tensor], options: Options) -> Json:
    """Record what the context's own code answers to one sample, then let it test itself in the way that the container will."""
    arrays = _first(inputs, options)
    answers = infer.Model(out).run(arrays)
    (out / SAMPLE).mkdir()
    for which, packed in (("input", arrays), ("output", answers)):
        for i, array in enumerate(packed):
            np.save(out / SAMPLE / f"{which}_{i}.npy", array, allow_pickle=False)
    told: dict[str, Json] = infer.self_test(infer.Model(out), out)
    if not told["ok"]:
        raise ConverterFailed(
            f"the container's code gives other answers the second time: {told}",
            remedy="the model is not deterministic: freeze its random operators before it is exported",
            code="acap-self-test",
        )
    return told


def _first(inputs: Sequence[Tensor], options: Options) -> list[Array]:
    """The first calibration sample, quantized where an input is; noise where there is none."""
    slots = [Slot(t.name, tuple(int(d or 1) for d in t.shape), "float32" if t.scale else t.dtype) for t in inputs]
    rows = samples(options.calibration, slots, 1) if options.calibration is not None else iter(())
    noise = np.random.default_rng(0)
    row = next(rows, None) or [noise.random(s.shape).astype(s.dtype) for s in slots]
    return [_quantized(a, t) for a, t in zip(row, inputs, strict=True)]


def _quantized(array: Array, tensor: Tensor) -> Array:
    if not tensor.scale:
        return array.astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    return np.clip(np.rint(array / tensor.scale[0]) + tensor.zero_point[0], limits.min, limits.max).astype(tensor.dtype)
