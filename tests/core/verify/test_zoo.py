"""A zoo of networks: honest conversions pass, lies do not, whatever the outputs look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeroute.codec import from_json
from edgeroute.types import Tensor, Verification
from edgeroute.verify import execute
from tests.core.verify import fakes, zoo
from tests.core.verify.fakes import RUNNER, floats

Array = Any
PICTURE = floats("x", 1, 3, 16, 16)
HARMLESS = {
    ("one number", "backwards"),
    ("one number", "clipped"),
    ("one number", "noise of 40 dB"),
    ("one number", "a little more"),
}
"""Changes that change nothing there."""


class Cage:
    """One network with its answers."""

    def __init__(self, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.network, self._patch = folder, zoo.NETWORKS[name], monkeypatch
        self.calibration = fakes.prepared(folder, PICTURE, count=24)
        self.outputs = [self._tensor(i, value) for i, value in enumerate(self.network(np.ones((1, 3, 16, 16), np.float32)))]
        self.reference = fakes.referred(folder, self._write(self.network, self.outputs), self.calibration)

    def measure(self, network: Callable[[Array], list[Array]], kind: str = "float", quantized: bool = False) -> Verification:
        model = self._write(network, self._quantized() if quantized else self.outputs)
        return from_json(Verification, execute.measure(RUNNER, model, self.calibration, self.reference, kind))

    def _write(self, network: Callable[[Array], list[Array]], outputs: list[Tensor]) -> str:
        self._patch.setitem(fakes.FUNCTIONS, "caged", network)
        return fakes.write(self.folder, "caged", [PICTURE], outputs)

    def _tensor(self, index: int, value: Array) -> Tensor:
        return Tensor(f"out{index}", value.shape, "float32" if value.dtype.kind == "f" else value.dtype.name)

    def _quantized(self) -> list[Tensor]:
        """The outputs as bytes over the range that they have."""
        answers = [np.load(self.folder / "reference" / f"{i}.npy") for i in range(len(self.outputs))]
        return [t if a.dtype.kind != "f" else _bytes(t, a) for t, a in zip(self.outputs, answers, strict=True)]


def _bytes(tensor: Tensor, answers: Array) -> Tensor:
    return fakes.bytes_of(
        tensor.name, tuple(int(d or 1) for d in tensor.shape), float(min(0.0, answers.min())), float(max(1e-12, answers.max()))
    )


@pytest.fixture
def cage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cage:
    return Cage(tmp_path, request.param, monkeypatch)


@pytest.mark.parametrize("cage", zoo.NETWORKS, indirect=True)
def test_an_honest_float_file_passes_without_a_word(cage: Cage) -> None:
    answer = cage.measure(lambda x: zoo.rounding(cage.network(x)))
    assert (answer.status, answer.findings) == ("passed", ())


SHARED_SCALE = ("list of detections", "boxes and scores")
"""What one scale of 256 steps cannot hold: there the alarm is right."""


@pytest.mark.parametrize("cage", [n for n in zoo.NETWORKS if n not in SHARED_SCALE], indirect=True)
def test_an_honest_int8_file_is_never_refused(cage: Cage) -> None:
    answer = cage.measure(lambda x: cage.network(x + np.float32(0.02) * np.sin(1e4 * x)), "int8", quantized=True)
    assert answer.status in ("passed", "degraded"), answer.findings


@pytest.mark.parametrize("cage", SHARED_SCALE, indirect=True)
def test_one_scale_for_numbers_of_two_kinds_is_refused(cage: Cage) -> None:
    answer = cage.measure(cage.network, "int8", quantized=True)
    assert "dead-group" in {f.code for f in answer.findings}


@pytest.mark.parametrize("cage", zoo.NETWORKS, indirect=True)
def test_no_lie_passes(cage: Cage, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["cage"]
    for lie, spoil in zoo.LIES.items():
        answer = cage.measure(lambda x, spoil=spoil: spoil(cage.network(x)))  # type: ignore[misc]
        assert (name, lie) in HARMLESS or answer.status in ("failed", "degraded"), lie
        assert answer.status == "failed" or (name, lie) in HARMLESS or lie == "noise of 40 dB", lie


@pytest.mark.parametrize("cage", ["scales apart", "states"], indirect=True)
def test_answers_to_another_sample_do_not_pass(cage: Cage) -> None:
    """A file that lags one behind, as one with a forgotten state does."""
    before = [cage.network(np.zeros((1, 3, 16, 16), np.float32))]

    def late(x: Array) -> list[Array]:
        before.append(cage.network(x))
        return before.pop(0)

    assert cage.measure(late).status == "failed"
