"""The command that a report shows is the request again, whatever was asked."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest

from edgeroute.cli import convert_
from edgeroute.cli.main import build_parser
from edgeroute.runner.command import command_of
from edgeroute.runner.request import Request
from edgeroute.types import Limits, Preprocess

ASKED: dict[str, object] = {
    "out": Path("my out.tflite"),
    "calibrate": Path("pictures"),
    "preprocess": Preprocess(1 / 255, (-0.485, 0.456, 0.406), (0.229, 0.224, 1e-7), "bgr", "letterbox", known=True),
    "input_shapes": {"images": (1, 3, 320, 320), "": (1, 4)},
    "via": ("onnxslim", "onnx2tf"),
    "avoid": ("tf2onnx",),
    "options": {"tf-quantizer": {"border": "int8", "ranges": "minmax"}},
    "thresholds": {"min_sqnr": -3.0, "min_correlation": 0.85},
    "allow_degraded": True,
    "effort": "max",
    "metric": "my.module:function",
    "trust_pickle": True,
    "model_factory": "nets:make",
    "signature": "serving",
    "limits": Limits(60.5, 2000),
    "runtime": {"tflite": "2.3.1", "profile": "11.9"},
    "require_complete": True,
    "c_header": Path("numbers.h"),
    "check_determinism": True,
    "attribution": True,
    "bisect": 30.0,
}


def understood(command: str) -> Request:
    words = shlex.split(command)
    assert words[:2] == ["edgeroute", "convert"]
    return convert_.request(build_parser("convert").parse_args(words[1:]))


def test_everything_that_can_be_asked_is_here() -> None:
    assert {f.name for f in dataclasses.fields(Request)} - {"extra"} == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_one_wish_comes_back(name: str) -> None:
    request = dataclasses.replace(Request(), **{name: ASKED[name]})
    assert getattr(understood(command_of(Path("m.onnx"), "artpec8", request)), name) == ASKED[name]


def test_all_wishes_come_back_together() -> None:
    request = Request(**ASKED)  # type: ignore[arg-type]
    assert understood(command_of(Path("my model.onnx"), "artpec8", request)) == request


def test_a_detour_is_pinned() -> None:
    assert understood(command_of(Path("m.onnx"), "artpec8", Request(), via=("a", "b"))).via == ("a", "b")
