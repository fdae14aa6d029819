"""Declares the road to CV25 and CV75: `cvflow-ready` (onnx-static → onnx-cvflow) and `ambarella` (→ cavalry-cv25, cavalry-cv75)."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Format, Symptom, Tool
from edgeroute_plugins.ambarella.options import Options, ReadyOptions
from edgeroute_plugins.ambarella.tool import TOOLS

PACKAGE = "edgeroute_plugins.ambarella"

SYMPTOMS = (
    Symptom(
        r"(?i)(?:unsupported|not supported|unknown) (?:onnx )?(?:op|operator|node)\S*[:\s]+['\"]?(\w+)",
        "ambarella-operator",
        "Ambarella's parser does not support the operator {0}",
        "replace {0} in the network, or cut the model before it: `edgeroute list converters` shows `cut`",
    ),
    Symptom(
        r"(?i)(?:license|licence) (?:error|check|checkout|not found|expired)",
        "ambarella-licence",
        "Ambarella's toolchain found no valid licence",
        "check its licence settings with your Ambarella contact, or hand over: unset EDGEROUTE_AMBARELLA_CV25 (CV75) and convert again",
    ),
)


@hookimpl
def edgeroute_formats() -> Iterable[Format]:
    return [
        Format(
            "onnx-cvflow", "ONNX, ready for CVflow's parser", ".onnx", is_a="onnx-static", static=True, promise=f"{PACKAGE}.preflight:ready"
        )
    ]


@hookimpl
def edgeroute_environments() -> Iterable[Tool]:
    return list(TOOLS.values())


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    ready = Converter(
        name="cvflow-ready",
        title="one file, plain tensor names, an opset that the parser knows",
        source="onnx-static",
        target="onnx-cvflow",
        run=f"{PACKAGE}.ready:run",
        options=ReadyOptions,
        environment="runtime",
        cost=Cost(risk=0.01, seconds=2),
    )
    chips = [_compiler("ambarella", "onnx-cvflow", chip, Cost(risk=0.1, loss=0.5, seconds=120)) for chip in TOOLS]
    return [ready, *chips, _compiler("ambarella-tflite", "tflite", "cv25", Cost(risk=0.3, loss=0.5, seconds=120), on_request=True)]


def _compiler(name: str, source: str, chip: str, cost: Cost, on_request: bool = False) -> Converter:
    parser = "tflite" if source == "tflite" else "onnx"
    return Converter(
        name=name,
        title="compile with Ambarella's CNNGen" + (" (2.7 or older)" if on_request else ""),
        source=source,
        target=f"cavalry-{chip}",
        run=f"{PACKAGE}.run:{parser}_to_{chip}",
        options=Options,
        environment="runtime",
        tool=TOOLS[chip].name,
        cost=cost,
        preflight=f"{PACKAGE}.preflight:preflight",
        symptoms=SYMPTOMS,
        handover=f"{PACKAGE}.handover:{parser}_to_{chip}",
        on_request=on_request,
    )
