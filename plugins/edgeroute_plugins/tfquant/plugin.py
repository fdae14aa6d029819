"""Declares `tf-quantizer`: tflite → tflite-int8, tflite → tflite-int8-pt."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Symptom
from edgeroute_plugins.tfquant.options import Options

PACKAGE = "edgeroute_plugins.tfquant"

SYMPTOMS = (
    Symptom(
        r"'tfl\.(\w+)' op (.*)",
        "tf-quantizer-operator",
        "operator {0} breaks a rule of TensorFlow's quantizer: {1}",
        "take the other quantizer: --avoid tf-quantizer; please report the model, so that edgeroute can legalize it",
    ),
    Symptom(
        r"Encountered unresolved custom op: (\S+?)\.?$",
        "custom-operator",
        "the model holds the custom operator {0}, which cannot be calibrated here",
        "cut the model before {0}: the application does that part",
    ),
    Symptom(
        r"std::bad_alloc|MemoryError|Cannot allocate memory",
        "out-of-memory",
        "the quantizer ran out of memory",
        "free some memory, or use fewer samples: --set tf-quantizer.samples=50",
    ),
)


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [_edge("tflite-int8", "run_per_channel"), _edge("tflite-int8-pt", "run_per_tensor")]


def _edge(target: str, function: str) -> Converter:
    return Converter(
        name="tf-quantizer",
        title="TensorFlow's stand-alone quantizer",
        source="tflite",
        target=target,
        run=f"{PACKAGE}.run:{function}",
        options=Options,
        environment="tensorflow",
        cost=Cost(risk=0.04, loss=0.5, seconds=12),
        preflight=f"{PACKAGE}.preflight:preflight",
        symptoms=SYMPTOMS,
        variants=({"refine": "weights", "gain": 4.0}, {"ranges": "mse", "gain": -0.5}),
        version="5",
    )
