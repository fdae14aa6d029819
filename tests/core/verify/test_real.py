"""The whole chain in the real runtime: samples, reference, measuring, attribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeroute.types import Json
from tests.plugins.real_runtime import call

MODELS = Path(__file__).parents[2] / "plugins" / "tflite" / "models"
RUN, TRACE = "edgeroute_plugins.tflite.run:load", "edgeroute_plugins.tflite.trace:load"
pytestmark = pytest.mark.real


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._calls = 0

    def ask(self, function: str, **arguments: Any) -> Json:
        self._calls += 1
        outcome = call(self.folder / str(self._calls), function, arguments)
        assert outcome.status == "ok", outcome
        return outcome.value

    def prepared(self, model: str) -> tuple[Json, str]:
        """Random samples of a model's inputs, and its own answers to them."""
        inputs = self.ask("tests.core.verify.live:inputs", model=str(MODELS / model))
        samples = self.ask("edgeroute.verify.samples:prepare", source="", inputs=inputs, preprocess={}, out=str(self.folder / "samples"))
        reference = str(self.folder / "reference")
        self.ask("edgeroute.verify.execute:reference", runner=RUN, model=str(MODELS / model), samples=samples["calibration"], out=reference)
        return samples["calibration"], reference


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_int8_files_are_measured_and_blamed_against_their_float_file(bench: Bench) -> None:
    samples, reference = bench.prepared("float.tflite")
    for name in ("int8-pc", "int8-pt"):
        model = str(MODELS / f"{name}.tflite")
        found = bench.ask(
            "edgeroute.verify.execute:measure", runner=RUN, model=model, samples=samples, reference=reference, kind="int8", static=True
        )
        assert found["status"] in ("passed", "degraded") and found["outputs"][0]["sqnr_db"] > 8, found
        told = bench.ask(
            "edgeroute.verify.attribution:blame",
            first_trace=TRACE,
            first=str(MODELS / "float.tflite"),
            second_trace=TRACE,
            second=model,
            samples=samples,
        )
        assert told["matched"] >= 0.8 * told["operators"] - 2, told
        assert sum(layer["share"] for layer in told["layers"]) == pytest.approx(1.0) and "of the loss enters at" in told["summary"]


def test_a_file_that_the_runtime_refuses_fails_with_the_runners_words(bench: Bench) -> None:
    outcome = call(bench.folder / "flex", "edgeroute.verify.execute:smoke", {"runner": RUN, "model": str(MODELS / "flex.tflite")})
    assert outcome.status == "error" and outcome.error["code"] == "tflite-unresolved-operator" and outcome.error["remedy"]
    assert bench.ask("edgeroute.verify.execute:smoke", runner=RUN, model=str(MODELS / "int8-pc.tflite"))["status"] == "passed"


def test_the_same_onnx_network_simplified_is_blamed_for_nothing_and_a_changed_one_by_name(bench: Bench) -> None:
    told = bench.ask("tests.core.verify.live:onnx_blame", folder=str(bench.folder))
    assert "agree" in told["same"]["summary"] and told["same"]["matched"] == 4
    assert told["changed"]["largest"] == "second" and told["changed"]["layers"][0]["sqnr_db"] == 200.0
