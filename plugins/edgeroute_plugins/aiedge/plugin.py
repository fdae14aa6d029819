"""Declares `ai-edge-quantizer`: tflite → tflite-int8, tflite → tflite-int8-pt."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Environment, Symptom
from edgeroute_plugins.aiedge.options import Options

PACKAGE = "edgeroute_plugins.aiedge"

SYMPTOMS = (
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
        "free some memory, or use fewer samples: --set ai-edge-quantizer.samples=50",
    ),
)


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    return [
        Environment(
            name="ai-edge-quantizer",
            requirements=("ai-edge-quantizer==0.10.0", "ai-edge-litert==2.3.0", "numpy==2.4.6"),
            accepts=("ai-edge-quantizer>=0.10,<0.11", "ai-edge-litert>=2.3", "numpy>=1.26"),
            python=">=3.11,<3.14",
            megabytes=420,
        )
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [_edge("tflite-int8", "run_per_channel"), _edge("tflite-int8-pt", "run_per_tensor")]


def _edge(target: str, function: str) -> Converter:
    return Converter(
        name="ai-edge-quantizer",
        title="ai-edge-quantizer",
        source="tflite",
        target=target,
        run=f"{PACKAGE}.run:{function}",
        options=Options,
        environment="ai-edge-quantizer",
        cost=Cost(risk=0.09, loss=0.5, seconds=4),
        preflight=f"{PACKAGE}.preflight:preflight",
        symptoms=SYMPTOMS,
        variants=({"algorithm": "octav", "gain": -1.0},),
        version="4",
    )
