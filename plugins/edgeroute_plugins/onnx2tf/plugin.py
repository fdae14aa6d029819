"""Declares `onnx2tf` and `onnx2tf-savedmodel`: onnx-static → tflite."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Environment
from edgeroute_plugins.onnx2tf.options import Options
from edgeroute_plugins.onnx2tf.symptoms import SYMPTOMS

PACKAGE = "edgeroute_plugins.onnx2tf"


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    return [
        Environment(name="onnx2tf", requirements=("onnx2tf==2.6.9",), python=">=3.12,<3.14", megabytes=660),
        Environment(name="onnx2tf-tensorflow", requirements=("onnx2tf==1.29.24",), python=">=3.11,<3.12", megabytes=2400),
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="onnx2tf",
            title="onnx2tf 2.x, which writes TFLite directly",
            source="onnx-static",
            target="tflite",
            run=f"{PACKAGE}.run:run",
            options=Options,
            environment="onnx2tf",
            cost=Cost(risk=0.04, seconds=4),
            preflight=f"{PACKAGE}.preflight:preflight",
            symptoms=SYMPTOMS,
            version="2",
        ),
        _through_tensorflow("tflite", "run"),
        _through_tensorflow("savedmodel", "run_saved_model", on_request=True),
    ]


def _through_tensorflow(target: str, function: str, on_request: bool = False) -> Converter:
    return Converter(
        name="onnx2tf-savedmodel",
        title="onnx2tf 1.x, through a TensorFlow SavedModel",
        source="onnx-static",
        target=target,
        run=f"{PACKAGE}.savedmodel:{function}",
        options=Options,
        environment="onnx2tf-tensorflow",
        cost=Cost(risk=0.1, seconds=40),
        preflight=f"{PACKAGE}.preflight:through_tensorflow",
        symptoms=SYMPTOMS,
        version="3",
        on_request=on_request,
    )
