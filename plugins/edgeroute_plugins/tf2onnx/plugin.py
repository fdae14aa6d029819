"""Declares `tf2onnx`: keras, keras-h5, savedmodel and tflite → onnx-static."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Symptom
from edgeroute_plugins.tf2onnx.options import Options

PACKAGE = "edgeroute_plugins.tf2onnx"

SYMPTOMS = (
    Symptom(
        r"Tensorflow op \[[^:\]]*: (\w+)\] is not supported",
        "tf2onnx-operator-missing",
        "tf2onnx has no translation for TensorFlow's {0}",
        "replace it in the model by a standard layer, or try a newer opset: --set tf2onnx.opset=18",
    ),
    Symptom(
        r"TFL op (?:\[[^:\]]*: )?(\w+)\]? is not supported|(?:No Op registered for TFL_|Op type not implemented: )(\w+)",
        "tf2onnx-operator-missing",
        "tf2onnx has no translation for TFLite's {0}{1}",
        "convert from the model that the TFLite file was made of",
    ),
    Symptom(
        r"KeyError: '(keras_tensor_\w+)'",
        "tf2onnx-lost-tensor",
        "tf2onnx lost the tensor {0} of the Keras model",
        "go through a SavedModel: --via keras-savedmodel,tf2onnx",
    ),
)


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    rows = [
        ("keras", "run_keras", "keras_file", 0.05),
        ("keras-h5", "run_keras", "keras_file", 0.06),
        ("savedmodel", "run_saved_model", "saved_model", 0.06),
        ("tflite", "run_tflite", "tflite", 0.15),
    ]
    return [
        Converter(
            name="tf2onnx",
            title="write ONNX with channel-first borders and fixed shapes",
            source=source,
            target="onnx-static",
            run=f"{PACKAGE}.run:{function}",
            options=Options,
            environment="tensorflow",
            cost=Cost(risk=risk, seconds=7),
            preflight=f"{PACKAGE}.preflight:{preflight}",
            symptoms=SYMPTOMS,
        )
        for source, function, preflight, risk in rows
    ]
