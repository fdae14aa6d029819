"""The float reference once more, on pictures whose pixels were moved by noise: what the noise leaves of its outputs. Called in the worker."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.codec import from_json
from edgeroute.types import Calibration, Json, Preprocess, Session, Tensor, to_json
from edgeroute.verify import arrays, border, liveness, pixels
from edgeroute.verify.compare import Comparison
from edgeroute.verify.execute import as_declared
from edgeroute.verify.grey_levels import AMPLITUDES, PICTURES, Level, next_amplitude
from edgeroute.verify.measuring import Again, Answers, Measuring, sqnr_db
from edgeroute.verify.preprocess import per_channel
from edgeroute.verify.profile import profile
from edgeroute.verify.samples import MEASURING_LIMIT, measured
from edgeroute.verify.sessions import open_session, run
from edgeroute.verify.sources import settled
from edgeroute.verify.traced import open_traced

Array = Any


def again(
    runner: str,
    model: str,
    samples: Mapping[str, Json],
    reference: str,
    notes: Mapping[str, Json] | None = None,
    raw_pixels: bool = False,
    typical: bool = False,
) -> Json:
    """A file on the samples that `shaken` takes, and how `execute.measure` compares it with the reference: a `measuring.Again` as JSON.

    With `typical` the file was judged without its odd samples.
    """
    calibration = from_json(Calibration, dict(samples))
    measuring = Measuring(open_session(runner, model), Path(reference), calibration, MEASURING_LIMIT, dict(notes or {}), raw_pixels)
    return to_json(measuring.again(typical, PICTURES))


def shaken(
    runner: str,
    model: str,
    samples: Mapping[str, Json],
    reference: str,
    inputs: Sequence[Mapping[str, Json]],
    preprocess: Mapping[str, Json],
    file: Mapping[str, Json],
    outputs: Sequence[str],
    amplitudes: Sequence[float] = AMPLITUDES,
    words: Mapping[str, str] | None = None,
    at: Sequence[str] = (),
) -> Json:
    """`levels`: pairs of an amplitude in grey levels and the SQNR in dB that it leaves, by output; none where no input is the only picture.

    `runner`, `model`, `words` and `at` are as in `execute.reference`, whose folder `reference` is; `file` is the answer of `again`, and
    `outputs` are those of its outputs and parts that are asked about. As few amplitudes are tried as tell where the file stands.
    """
    calibration, known = from_json(Calibration, dict(samples)), from_json(Again, dict(file))
    targets = {name: known.sqnr_db[name] for name in outputs if name in known.sqnr_db}
    shaker = shaker_of([from_json(Tensor, dict(t)) for t in inputs], from_json(Preprocess, dict(preprocess)))
    if shaker is None or not targets:
        return {"levels": []}
    os.environ |= dict(words or {})
    session: Session = open_traced(runner, model, at) if at else open_session(runner, model)
    yardstick = Shaking(session, model, Path(reference), calibration, shaker, known)
    levels: list[Level] = []
    while (amplitude := next_amplitude(levels, targets, amplitudes)) is not None:
        left = yardstick.sqnr_db(amplitude)
        levels = sorted([*levels, (amplitude, {name: left[name] for name in targets if name in left})], key=lambda level: level[0])
    return {"levels": to_json(levels)}


@dataclass(frozen=True)
class Shaker:
    """Moves the pixels behind one of the inputs."""

    position: int
    step: Array
    """What a grey level is in the input's units, one per channel, in the shape that an array of the input takes it."""

    def shake(self, values: Sequence[Array], amplitude: float, seed: int) -> list[Array]:
        """One sample, its picture moved by uniform noise of at most `amplitude` grey levels; a seed gives the same noise at every amplitude."""
        picture = values[self.position]
        noise = np.random.default_rng(seed).uniform(-amplitude, amplitude, picture.shape) * self.step
        moved = (picture + noise).astype(picture.dtype)
        return [moved if i == self.position else v for i, v in enumerate(values)]


def shaker_of(inputs: Sequence[Tensor], preprocess: Preprocess) -> Shaker | None:
    """For the only input that is a picture of real numbers; None where there is none, or several.

    Bytes cannot move by half a grey level. Preprocessing that nobody stated is the one that samples of pictures get.
    """
    pictures = [(i, place) for i, t in enumerate(inputs) if t.dtype.startswith("float") and (place := pixels.geometry(t))]
    if len(pictures) != 1:
        return None
    (position, place), used = pictures[0], settled(preprocess, inputs, pictures=True)[0]
    step = used.scale / np.array(per_channel(used.std, place.channels, "std"))
    return Shaker(position, step.reshape(-1, 1, 1) if place.first else step)


class Shaking:
    """Runs the reference on shaken samples next to its own stored answers to the still ones."""

    def __init__(self, session: Session, model: str, folder: Path, calibration: Calibration, shaker: Shaker, file: Again) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._session, self._model, self._names, self._shaker = session, model, calibration.names, shaker
        self._indices = measured(calibration, int(manifest["samples"]))
        self._rows = file.rows[-PICTURES:]
        self._samples = [arrays.open_npy(calibration.path / f"{i}.npy", calibration.path) for i in range(len(calibration.names))]
        self._answers = [arrays.open_npy(folder / f"{i}.npy", folder) for i in range(len(manifest["outputs"]))]
        self._profiles = [(h, profile(Answers(self._answers[h.reference], file.rows, h.of), h.axes)) for h in file.heads]

    def sqnr_db(self, amplitude: float) -> dict[str, float]:
        """What noise of so many grey levels leaves of each output, and of each part that a file's verification names."""
        compared = [(head, Comparison(head.label, known)) for head, known in self._profiles]
        for row in self._rows:
            results = self._run(self._indices[row], amplitude)
            for head, comparison in compared:
                comparison.add(head.of(self._answers[head.reference].row(row)), head.of(results[head.reference]))
        return {n: db for head, one in compared for n, db in sqnr_db(one, liveness.blocks(one.profile, head.joined)).items()}

    def _run(self, index: int, amplitude: float) -> list[Array]:
        values = self._shaker.shake([reader.row(index) for reader in self._samples], amplitude, seed=index)
        results = run(self._session, as_declared(self._session, values, self._names)[0], self._model)
        return [border.to_real(np.asarray(a), t) for a, t in zip(results, self._session.outputs, strict=True)]
