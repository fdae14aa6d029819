"""Declares `onnxslim`: onnx → onnx-static."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Symptom
from edgeroute_plugins.onnxslim.options import Options

PACKAGE = "edgeroute_plugins.onnxslim"

SYMPTOMS = (
    Symptom(
        r"Failed to allocate memory|std::bad_alloc|MemoryError",
        "out-of-memory",
        "the model did not fit into memory while it was simplified",
        "free some memory, or simplify less: --set onnxslim.simplify=false",
    ),
    Symptom(
        r"No Op registered for (\S+) with domain_version of (\d+)",
        "onnx-unknown-operator",
        "operator {0} (opset {1}) is not known to onnx",
        "export the model with standard ONNX operators; a custom operator ({0}) cannot run on the device",
    ),
)


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="onnxslim",
            title="pin every shape and simplify",
            source="onnx",
            target="onnx-static",
            run=f"{PACKAGE}.run:run",
            options=Options,
            environment="runtime",
            cost=Cost(risk=0.01, seconds=2),
            preflight=f"{PACKAGE}.preflight:preflight",
            symptoms=SYMPTOMS,
        )
    ]
