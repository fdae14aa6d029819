"""Declares `onnx2tflite`: onnx-static → tflite."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Environment, Symptom
from edgeroute_plugins.onnx2tflite.options import Options

PACKAGE = "edgeroute_plugins.onnx2tflite"
ADDRESS = "https://github.com/MPolaris/onnx2tflite"
COMMIT = "c79af32236756e37366f1620bf01c46ba3d352f5"

SYMPTOMS = (
    Symptom(
        r"(\w+) not implemented yet",
        "onnx2tflite-operator",
        "onnx2tflite does not know operator {0}",
        "take another converter: --via onnx2tf",
    ),
    Symptom(
        r"Unrecognized keyword arguments passed to",
        "onnx2tflite-keras3",
        "onnx2tflite was written for Keras 2, and Keras 3 was found",
        "build its environment again: edgeroute env build onnx2tflite",
    ),
)


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    own = ("tensorflow==2.19.0", "tf-keras==2.19.0", "onnx==1.19.1", "onnxruntime==1.23.0", "onnxsim==0.4.36", "numpy==1.26.4")
    return [
        Environment(
            name="onnx2tflite",
            requirements=(*own, "opencv-python-headless==4.11.0.86", "protobuf==4.25.5"),
            accepts=("tensorflow>=2.16,<2.22", "tf-keras>=2.16", "onnx>=1.15", "onnxruntime>=1.17", "onnxsim>=0.4", "onnx2tflite>=2.0"),
            python=">=3.11,<3.12",
            no_deps=(f"onnx2tflite @ git+{ADDRESS}@{COMMIT}",),
            megabytes=2500,
            source=ADDRESS,
            variable="EDGEROUTE_ONNX2TFLITE",
        )
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="onnx2tflite",
            title="MPolaris' onnx2tflite (opset 17 at most)",
            source="onnx-static",
            target="tflite",
            run=f"{PACKAGE}.run:run",
            options=Options,
            environment="onnx2tflite",
            cost=Cost(risk=0.3, seconds=30),
            preflight=f"{PACKAGE}.preflight:preflight",
            symptoms=SYMPTOMS,
        )
    ]
