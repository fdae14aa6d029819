"""Declares the Keras and TensorFlow edges: to SavedModels, and from them to TFLite."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Runner
from edgeroute_plugins.keras_tf.options import GraphOptions, KerasOptions, LiteOptions, QuantizeOptions
from edgeroute_plugins.keras_tf.symptoms import SYMPTOMS

PACKAGE = "edgeroute_plugins.keras_tf"


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [*to_saved_model(), *to_tflite()]


def to_saved_model() -> list[Converter]:
    """Keras models and frozen graphs."""
    keras = [
        Converter(
            name="keras-savedmodel",
            title="export the Keras model with static shapes",
            source=source,
            target="savedmodel",
            run=f"{PACKAGE}.savedmodel:run",
            options=KerasOptions,
            environment="tensorflow",
            cost=Cost(risk=0.02, seconds=6),
            preflight=f"{PACKAGE}.preflight:keras",
            symptoms=SYMPTOMS,
        )
        for source in ("keras", "keras-h5")
    ]
    graph = Converter(
        name="graphdef-savedmodel",
        title="wrap a frozen TensorFlow 1 graph",
        source="graphdef",
        target="savedmodel",
        run=f"{PACKAGE}.graphdef:run",
        options=GraphOptions,
        environment="tensorflow",
        cost=Cost(risk=0.1, seconds=10),
        preflight=f"{PACKAGE}.preflight:graph",
        symptoms=SYMPTOMS,
    )
    return [*keras, graph]


def to_tflite() -> list[Converter]:
    """SavedModels by TFLiteConverter: float, int8, int8 with per-tensor weights."""
    rows = [
        ("tflite", "run", LiteOptions, Cost(risk=0.02, seconds=6)),
        ("tflite-int8", "run_int8", QuantizeOptions, Cost(risk=0.08, loss=0.5, seconds=15)),
        ("tflite-int8-pt", "run_int8_pt", QuantizeOptions, Cost(risk=0.1, loss=0.6, seconds=15)),
    ]
    return [
        Converter(
            name="tf-lite",
            title="TensorFlow's own TFLite converter",
            source="savedmodel",
            target=target,
            run=f"{PACKAGE}.lite:{function}",
            options=options,
            environment="tensorflow",
            cost=cost,
            preflight=f"{PACKAGE}.preflight:saved_model",
            symptoms=SYMPTOMS,
        )
        for target, function, options, cost in rows
    ]


@hookimpl
def edgeroute_runners() -> Iterable[Runner]:
    return [
        Runner("keras", ("keras", "keras-h5"), f"{PACKAGE}.session:open_keras", "tensorflow", f"{PACKAGE}.session:inspect_keras"),
        Runner(
            "savedmodel", ("savedmodel",), f"{PACKAGE}.session:open_saved_model", "tensorflow", f"{PACKAGE}.session:inspect_saved_model"
        ),
    ]


@hookimpl
def edgeroute_capture(obj: object, folder: Path, inputs: Any) -> Path | None:
    from edgeroute_plugins.keras_tf.capture import capture, is_keras

    return capture(obj, folder) if is_keras(obj) else None
