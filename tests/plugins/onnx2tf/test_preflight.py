"""What onnx2tf cannot take is known from a file's facts, and each reason says what to type."""

from __future__ import annotations

import re

import pytest

from edgeroute.types import Facts, Tensor
from edgeroute_plugins.onnx2tf.options import Options
from edgeroute_plugins.onnx2tf.preflight import preflight, through_tensorflow
from edgeroute_plugins.onnx2tf.symptoms import SYMPTOMS

IMAGE = Tensor("x", (1, 3, 8, 8), "float32")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (Facts(details={"opset": 8}), "onnx-opset"),
        (Facts(inputs=(IMAGE,), operators={"Loop": 1}), "onnx2tf-operator"),
        (Facts(inputs=(Tensor("x", (1, 3, 8, 8), "uint8"),), operators={"QuantizeLinear": 2}), "onnx2tf-quantized-source"),
    ],
)
def test_a_reason_is_given_with_its_remedy(facts: Facts, code: str) -> None:
    (finding,) = preflight(facts, Options())
    assert finding.code == code and finding.remedy


def test_an_lstm_is_kept_from_the_edge_through_tensorflow_alone() -> None:
    facts = Facts(inputs=(Tensor("x", (1, 24, 8), "float32"),), operators={"LSTM": 1, "Gemm": 1}, details={"opset": 18})
    assert preflight(facts, Options()) == []
    (finding,) = through_tensorflow(facts, Options())
    assert finding.code == "onnx2tf-recurrent" and "--via onnx2tf" in finding.remedy


def test_a_plain_network_passes() -> None:
    assert preflight(Facts(inputs=(IMAGE,), operators={"Conv": 3, "Resize": 1}, details={"opset": 13}), Options()) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x', port=443)", "onnx2tf-network"),
        ("ERROR: No module named 'onnx2tf.ops.DeformConv'", "onnx2tf-operator"),
        ("ValueError: Dimensions must be equal, but are 324 and 309 for node", "onnx2tf-layout"),
        ("Select TensorFlow op(s): FlexErf", "flex-operator"),
    ],
)
def test_its_known_words_are_understood(line: str, code: str) -> None:
    assert next(s.code for s in SYMPTOMS if re.search(s.pattern, line, re.MULTILINE)) == code
