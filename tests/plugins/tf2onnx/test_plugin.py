"""What `tf2onnx` declares."""

from __future__ import annotations

import re
from typing import Any

import pytest

from edgeroute.codec import from_json
from edgeroute.types import Converter, Facts, to_json
from edgeroute_plugins.tf2onnx import plugin, preflight
from edgeroute_plugins.tf2onnx.options import Options

EDGES = list(plugin.edgeroute_converters())


def test_it_leads_to_onnx_from_everything_of_tensorflow() -> None:
    assert {(c.source, c.target) for c in EDGES} == {(s, "onnx-static") for s in ("keras", "keras-h5", "savedmodel", "tflite")}


@pytest.mark.parametrize("edge", EDGES, ids=lambda c: c.key)
def test_options_cross_the_process_border(edge: Converter) -> None:
    assert from_json(edge.options, to_json(edge.options())) == edge.options()


@pytest.mark.parametrize(
    ("line", "operator"),
    [
        ("ERROR Tensorflow op [model/MatrixInverse: MatrixInverse] is not supported", "MatrixInverse"),
        ("No Op registered for TFL_GELU with domain_version of 17", "GELU"),
    ],
)
def test_its_complaints_are_understood(line: str, operator: str) -> None:
    found = next(m for s in plugin.SYMPTOMS if (m := re.search(s.pattern, line, re.MULTILINE)))
    assert operator in found.groups()


@pytest.mark.parametrize(
    ("check", "facts", "given", "codes"),
    [
        (preflight.tflite, Facts(operators={"CONV_2D": 3, "HARD_SWISH": 1}), Options(), []),
        (preflight.tflite, Facts(operators={"HARD_SWISH": 1}), Options(opset=13), ["onnx-opset"]),
        (preflight.tflite, Facts(operators={"CUSTOM": 1}), Options(), ["tf2onnx-operator-missing"]),
        (preflight.keras_file, Facts(details={"lambda_layers": 1}), Options(), ["trust-needed"]),
        (preflight.saved_model, Facts(details={"signatures": {"a": {}, "b": {}}}), Options(), ["signature-unknown"]),
    ],
)
def test_what_it_cannot_take_is_known_beforehand(check: Any, facts: Facts, given: Options, codes: list[str]) -> None:
    assert [f.code for f in check(facts, given)] == codes
