"""Sample inputs in a folder: what quantizers calibrate with and what every step is measured on."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.codec import from_json
from edgeroute.errors import UsageError
from edgeroute.files import read_json, write_json
from edgeroute.types import Calibration, Finding, Json, Preprocess, Severity, Tensor, to_json
from edgeroute.verify import arrays
from edgeroute.verify import preprocess as preprocessing
from edgeroute.verify.made_up import Sample
from edgeroute.verify.representative import Observer
from edgeroute.verify.sources import open_source, row_shape, settled

Array = Any
CALIBRATION_LIMIT = 200
MEASURING_LIMIT = 32
ENOUGH_TO_HOLD_BACK = 8
NAMES = "names.json"
"""What each sample is called: the pictures' file names."""


def prepare(
    source: str,
    inputs: Sequence[Mapping[str, Json]],
    preprocess: Mapping[str, Json],
    out: str,
    calibration_limit: int = CALIBRATION_LIMIT,
    measuring_limit: int = MEASURING_LIMIT,
    seed: int = 0,
    pixels: bool = False,
) -> Json:
    """Write the samples of every input to `<i>.npy` (and the bare pictures to `pixels.npy`): a `calibration` and `findings`, as JSON.

    `source` is a folder of pictures, an `.npz`, an `.npy`, or empty for random data; `inputs` are Tensors with final, static shapes.
    Samples come in a seeded order; the last ones are held back for measuring (see `held_back`).
    """
    tensors = [_static(from_json(Tensor, dict(t))) for t in inputs]
    stated = from_json(Preprocess, dict(preprocess))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = not source or Path(source).is_dir()
    used, findings = settled(stated, tensors, bool(source) and pictures)
    findings += preprocessing.doubts(used) if pictures else ()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        opened = open_source(source, tensors, used, Path(scratch), seed)
        samples = opened.samples(calibration_limit + measuring_limit)
        observer, has_pixels = _write(samples, tensors, folder, pixels)
    write_json(folder / NAMES, observer.names)
    held = held_back(observer.count, measuring_limit)
    findings += opened.findings + (observer.findings(held) if source else [_made_up()])
    names = tuple(t.name for t in tensors)
    calibration = Calibration(folder, names, observer.count, held, not source, arrays.digest(folder, names), has_pixels)
    return {"calibration": to_json(calibration), "findings": to_json(sorted(findings, key=lambda f: f.severity.rank))}


def held_back(count: int, limit: int = MEASURING_LIMIT) -> int:
    """How many of the last samples quantizers must not see: the limit when there are twice as many, else a third, at least 4; none of fewer than 8."""
    if count >= 2 * limit:
        return limit
    return min(limit, max(4, count // 3)) if count >= ENOUGH_TO_HOLD_BACK else 0


def measured(calibration: Calibration, limit: int = MEASURING_LIMIT) -> range:
    """Which samples a step is measured on: the ones held back, or, where there are none, the last ones of all."""
    count = min(limit, calibration.held_back or calibration.count)
    return range(calibration.count - count, calibration.count)


def sample_names(calibration: Calibration) -> dict[int, str]:
    """What the samples are called, by index; empty where nobody wrote it down."""
    return dict(enumerate(read_json(calibration.path / NAMES) or ()))


def _write(samples: Any, tensors: Sequence[Tensor], out: Path, pixels: bool) -> tuple[Observer, bool]:
    """Stream the samples to disk; whether pictures went along."""
    observer = Observer(tensors)
    picture_writer: arrays.RowWriter | None = None
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(arrays.RowWriter(out / f"{i}.npy", row_shape(t), t.dtype)) for i, t in enumerate(tensors)]
        sample: Sample
        for sample in samples:
            for writer, value in zip(writers, sample.values, strict=True):
                writer.append(value)
            observer.see(sample.name, sample.values)
            if pixels and sample.picture is not None:
                if picture_writer is None:
                    picture_writer = stack.enter_context(arrays.RowWriter(out / "pixels.npy", sample.picture.shape, "uint8"))
                picture_writer.append(sample.picture)
    return observer, picture_writer is not None


def _static(tensor: Tensor) -> Tensor:
    if not all(isinstance(d, int) and d > 0 for d in tensor.shape):
        message = f"the input {tensor.name} is {arrays.describe(tensor.shape, tensor.dtype)}: samples need a size for every '?'"
        raise UsageError(
            message,
            where=tensor.name,
            remedy=f"fix it: --input-shape {tensor.name}:{','.join('1' if d is None else str(d) for d in tensor.shape)}",
        )
    try:
        np.dtype(tensor.dtype)
    except TypeError as error:
        message = f"the input {tensor.name} holds {tensor.dtype}, which no array does"
        raise UsageError(message, where=tensor.name, remedy="end the preprocessing before the model: give it numbers") from error
    return tensor


def _made_up() -> Finding:
    return Finding(
        "calibration-random",
        Severity.WARNING,
        "no calibration data was given: random data stands in, so the ranges of an int8 file, and every number measured with it, mean little",
        "give 100 to 200 typical pictures: --calibrate images/",
    )
