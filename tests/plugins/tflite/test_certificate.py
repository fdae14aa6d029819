"""The int8 certificate says in words and numbers what "int8" means for a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeroute_plugins.tflite.certificate import certificate
from edgeroute_plugins.tflite.reader import read

MODELS = Path(__file__).with_name("models")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("float", "Not quantized"),
        ("int8-pc", "5 tensors with a scale per channel"),
        ("int8-pt", "one scale per tensor"),
        ("float-border", "float at the border"),
        ("island", "1 operator computes in float (1 in islands"),
        ("tail", "1 in the tail"),
        ("int16", "16x8"),
        ("dynamic-range", "dynamic range"),
    ],
)
def test_the_statement(name: str, says: str) -> None:
    assert says in certificate(MODELS / f"{name}.tflite")["statement"]


def test_the_table() -> None:
    found = certificate(read(MODELS / "int8-pc.tflite"))
    assert found["full_integer"] and found["granularity"] == "per-channel" and found["float_operators"] == 0
    (image,) = found["inputs"]
    assert image["dtype"] == "uint8" and image["zero_point"] == [0] and image["scale"] == [pytest.approx(1 / 255, rel=1e-3)]
    assert found["op_versions"]["DEPTHWISE_CONV_2D"] == [3]
    json.dumps(found)


def test_depthwise_weights_are_quantized_along_the_last_axis() -> None:
    rows = {r["tensor"]: r for r in certificate(MODELS / "int8-pc.tflite")["per_channel_tensors"]}
    assert {(r["dtype"], r["axis"]) for r in rows.values()} == {("int8", 0), ("int8", 3), ("int32", 0)}
    assert all(r["scales"] in (4, 5) for r in rows.values())
