"""Files executed on the measured samples: the pristine source once, then what every step wrote. Called in the worker."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.codec import from_json
from edgeroute.errors import EdgerouteError
from edgeroute.types import Calibration, Finding, Json, Session, Severity, Tensor, Verification, to_json
from edgeroute.verify import arrays, border, thresholds
from edgeroute.verify.made_up import random_value
from edgeroute.verify.measuring import Measuring
from edgeroute.verify.samples import MEASURING_LIMIT, measured
from edgeroute.verify.sessions import open_session, run
from edgeroute.verify.traced import open_traced

Array = Any
MANIFEST = "manifest.json"
FLOAT_SAMPLES = 8
"""A float step that differs does so on every sample; int8 fidelity needs all that were held back."""


def reference(
    runner: str,
    model: str,
    samples: Mapping[str, Json],
    out: str,
    limit: int = MEASURING_LIMIT,
    joined: Sequence[Mapping[str, Json]] = (),
    words: Mapping[str, str] | None = None,
    at: Sequence[str] = (),
) -> Json:
    """Run a model on the measured samples; real-valued outputs to `<i>.npy` [samples, *shape] and a manifest (also returned).

    `runner` is a Runner's function. `joined` tells which outputs end in a concat: `{"output": name, "axis": …, "sizes": […]}`.
    `words` is what the user said that the runner must know, as environment variables (see `Runner.run`). With `at`, `runner` is a
    Runner's `trace`, and these inner tensors take the place of the outputs.
    """
    started = time.perf_counter()
    os.environ |= dict(words or {})
    calibration, folder = from_json(Calibration, dict(samples)), Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    session: Session = open_traced(runner, model, at) if at else open_session(runner, model)
    rows = _Rows(calibration, limit)
    writers: list[arrays.RowWriter] = []
    ragged: set[int] = set()
    fed: list[Tensor] = []
    with contextlib.ExitStack() as stack:
        for values in rows:
            feed, fed = as_declared(session, values, calibration.names)
            results = [border.to_real(np.asarray(a), t) for a, t in zip(run(session, feed, model), session.outputs, strict=True)]
            if not writers:
                writers = [stack.enter_context(arrays.RowWriter(folder / f"{i}.npy", r.shape, r.dtype.str)) for i, r in enumerate(results)]
            for index, (writer, result) in enumerate(zip(writers, results, strict=True)):
                if result.shape == writer.shape:
                    writer.append(result)
                else:
                    ragged.add(index)
    manifest = {
        "inputs": to_json(fed),
        "outputs": [
            {"name": t.name, "shape": list(w.shape), "dtype": w.dtype.name, "ragged": i in ragged}
            for i, (t, w) in enumerate(zip(session.outputs, writers, strict=True))
        ],
        "samples": rows.count,
        "joined": [dict(j) for j in joined],
        "random": calibration.random,
        "seconds": time.perf_counter() - started,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return manifest


def measure(
    runner: str,
    model: str,
    samples: Mapping[str, Json],
    reference: str = "",
    kind: str = "float",
    notes: Mapping[str, Json] | None = None,
    limit: int = 0,
    raw_pixels: bool = False,
    static: bool = False,
) -> Json:
    """Hold a step's file against a reference's answers to the same samples: a Verification as JSON, judged by the default thresholds.

    `reference` is the folder that `reference` filled; without one the file only has to load and run.
    `notes` may hold `joined` (see `reference`); with `raw_pixels` the file is fed `pixels.npy` as a camera would; with `static`
    open dimensions are errors. Crashes of the runtime
    end this process: the caller reads that from the outcome.
    """
    started = time.perf_counter()
    calibration = from_json(Calibration, dict(samples))
    try:
        session = open_session(runner, model)
        found = _open_dimensions(session, Severity.ERROR) if static else []
        if not reference:
            found += _exercise(session, model)
            result = Verification("passed", kind, findings=tuple(found))
        else:
            count = limit or (MEASURING_LIMIT if kind == "int8" else FLOAT_SAMPLES)
            measuring = Measuring(session, Path(reference), calibration, count, dict(notes or {}), raw_pixels)
            result = measuring.verification(kind, found)
    except EdgerouteError as error:
        result = thresholds.failed(error.code, error.message, error.remedy, error.where, kind)
    judged = thresholds.judge(result, kind)
    return {**to_json(judged), "seconds": time.perf_counter() - started}


def smoke(runner: str, model: str) -> Json:
    """Load a file and run it twice on random data: it must be finite and repeat itself. A Verification of kind `smoke`.

    Raises what the runner says, or VerificationFailed, where it does not load or run.
    """
    started = time.perf_counter()
    session = open_session(runner, model)
    found = [*_open_dimensions(session, Severity.WARNING), *_exercise(session, model)]
    judged = thresholds.judge(Verification("passed", "smoke", samples=1, findings=tuple(found)), "smoke")
    return {**to_json(judged), "seconds": time.perf_counter() - started}


class _Rows:
    """The measured samples, one by one: a list of rows, one per input."""

    def __init__(self, calibration: Calibration, limit: int) -> None:
        self.indices = measured(calibration, limit)
        self.count = len(self.indices)
        self._readers = [arrays.open_npy(calibration.path / f"{i}.npy", calibration.path) for i in range(len(calibration.names))]

    def __iter__(self) -> Iterator[list[Array]]:
        for index in self.indices:
            yield [reader.row(index) for reader in self._readers]


def as_declared(session: Session, rows: Sequence[Array], names: tuple[str, ...]) -> tuple[list[Array], list[Tensor]]:
    """Rows in the order of the session's inputs, with the axis of 1 that rows leave out."""
    feed, fed = [], []
    for index, tensor in enumerate(session.inputs):
        row = rows[names.index(tensor.name) if tensor.name in names else index]
        value = row[None] if row.ndim == len(tensor.shape) - 1 else row
        value = np.ascontiguousarray(value.astype(tensor.dtype, copy=False))
        feed.append(value)
        fed.append(Tensor(tensor.name, tuple(value.shape), tensor.dtype, tensor.layout, tensor.scale, tensor.zero_point))
    return feed, fed


def _open_dimensions(session: Session, severity: Severity) -> list[Finding]:
    """Inputs and outputs whose size the file leaves open."""
    remedy = "pin them before converting: --input-shape, or --via onnxslim first"
    return [
        Finding("dynamic-shape", severity, f"{arrays.describe(t.shape, t.dtype)} has open dimensions", remedy, t.name, cost=1.0)
        for t in (*session.inputs, *session.outputs)
        if not t.is_static and t.shape
    ]


def _exercise(session: Session, model: str) -> list[Finding]:
    """Run twice on the same random data."""
    generator = np.random.default_rng(0)
    values = [random_value(t, generator) for t in session.inputs]
    first = [np.array(a) for a in run(session, values, model)]
    second = run(session, values, model)
    found: list[Finding] = []
    for tensor, a, b in zip(session.outputs, first, second, strict=True):
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            remedy = "convert again with another converter; `edgeroute blame` finds the layer"
            found.append(Finding("not-finite", Severity.ERROR, "gives NaN or infinity on random data", remedy, tensor.name, cost=1.0))
        elif not np.array_equal(a, np.asarray(b)):
            remedy = "look for random or stateful operators, and end the network before them"
            found.append(
                Finding("not-repeatable", Severity.WARNING, "gives another answer to the same data", remedy, tensor.name, cost=0.5)
            )
    return found
