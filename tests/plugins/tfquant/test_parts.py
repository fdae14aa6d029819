"""The parts of `tf-quantizer` that need no TensorFlow: the tool's words, the best range, what is known before the run."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.types import Facts
from edgeroute_plugins.tflite import editing
from edgeroute_plugins.tfquant import integer_border
from edgeroute_plugins.tfquant.diagnostics import captured_stderr
from edgeroute_plugins.tfquant.options import Options
from edgeroute_plugins.tfquant.preflight import preflight
from edgeroute_plugins.tfquant.ranges import BINS, best_range


def test_what_native_code_prints_becomes_the_reason(capfd: pytest.CaptureFixture[str]) -> None:
    with captured_stderr() as words:
        os.write(2, b"loc(fused): error: 'tfl.prelu' op operands don't have broadcast-compatible shapes\n")
        os.write(2, b"note: see current operation\n")
    assert words.reason == "'tfl.prelu' op operands don't have broadcast-compatible shapes"
    assert "tfl.prelu" in capfd.readouterr().err


def test_without_a_diagnostic_the_last_words_are_the_reason() -> None:
    with captured_stderr() as words:
        os.write(2, b"first\nsecond\n")
    assert "second" in words.reason
    with captured_stderr() as silence:
        pass
    assert silence.reason == "it gave no reason"


def test_one_rare_peak_is_clipped_and_an_even_spread_is_not() -> None:
    peak = np.exp(-np.arange(BINS) / 40.0) * 1e6
    peak[-1] = 1
    low, high = best_range(peak, 0.0, 100.0)
    assert low == 0 and high < 60
    assert best_range(np.ones(BINS), -1.0, 1.0) == (-1.0, 1.0)


@given(st.lists(st.integers(0, 1000), min_size=8, max_size=8), st.floats(-50, 0), st.floats(0.1, 50))
def test_a_range_never_grows_and_keeps_its_sign(counts: list[int], low: float, high: float) -> None:
    found = best_range(np.repeat(np.array(counts, dtype=float), BINS // 8), low, high)
    assert low <= found[0] <= 0 < found[1] <= high


def test_operators_that_would_stay_in_float_are_named() -> None:
    findings = preflight(Facts(operators={"CONV_2D": 2, "SIN": 1, "FlexErf": 1}), Options())
    assert {f.code for f in findings} == {"custom-operator", "quantizer-leaves-float"}
    assert preflight(Facts(operators={"CONV_2D": 2, "PRELU": 1, "RELU6": 1}), Options()) == []


def test_of_two_quantize_in_a_row_one_is_left_also_where_numpy_forbids_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*indices: int) -> Any:
        return np.frombuffer(np.array(indices, np.int32).tobytes(), np.int32)

    first = SimpleNamespace(inputs=held(0), outputs=held(1))
    second, user = SimpleNamespace(inputs=held(1), outputs=held(2)), SimpleNamespace(inputs=held(1, 4), outputs=held(3))
    graph = SimpleNamespace(tensors=[SimpleNamespace(type=9)] * 5, operators=[first, second, user])
    monkeypatch.setattr(integer_border, "_of", lambda model, graph, name: [first, second])
    monkeypatch.setattr(editing, "schema", lambda: SimpleNamespace(TensorType=SimpleNamespace(FLOAT32=0)))
    integer_border._merge(None, graph)
    assert graph.operators == [second, user]
    assert (list(second.inputs), list(user.inputs)) == ([0], [2, 4])
