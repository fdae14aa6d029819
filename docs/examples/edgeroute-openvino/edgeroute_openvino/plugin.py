"""Declares OpenVINO: IR in float and in int8, the edges that lead there, what runs them, and Intel CPUs as a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Artifact, Converter, Cost, Environment, Format, Recognition, Runner, Symptom, Target, ValidationReport
from edgeroute_openvino.options import ConvertOptions, QuantizeOptions

EDGEROUTE_API = 1
PACKAGE = "edgeroute_openvino"
RULES = "edgeroute_openvino:rules.toml"

UNSUPPORTED = Symptom(
    r"OpenVINO does not support the following ONNX operations: ([\w., ]+)",
    "openvino-operator",
    "OpenVINO has no translation for {0}",
    "cut the model before it, or export it with ONNX's own operators",
)


@hookimpl
def edgeroute_formats() -> Iterable[Format]:
    return [
        Format("openvino", "OpenVINO IR, float", ".xml", promise=f"{PACKAGE}.promises:floating", companions=(".bin",)),
        Format(
            "openvino-int8", "OpenVINO IR, int8", ".xml", precision="int8", promise=f"{PACKAGE}.promises:quantized", companions=(".bin",)
        ),
    ]


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    return [
        Environment(
            name="openvino",
            requirements=("openvino==2026.4.1", "nncf==3.4.0", "numpy==2.4.6"),
            accepts=("openvino>=2025.0", "nncf>=2.14", "numpy>=1.26"),
            python=">=3.11,<3.14",
            megabytes=560,
        )
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="openvino-convert",
            title="read ONNX, write IR",
            source="onnx-static",
            target="openvino",
            run=f"{PACKAGE}.convert:run",
            options=ConvertOptions,
            environment="openvino",
            cost=Cost(risk=0.02, seconds=3),
            symptoms=(UNSUPPORTED,),
        ),
        Converter(
            name="nncf-quantize",
            title="post-training quantization by NNCF",
            source="openvino",
            target="openvino-int8",
            run=f"{PACKAGE}.quantize:run",
            options=QuantizeOptions,
            environment="openvino",
            cost=Cost(risk=0.05, loss=0.8, seconds=15),
            preflight=f"{PACKAGE}.preflight:quantize",
        ),
    ]


@hookimpl
def edgeroute_runners() -> Iterable[Runner]:
    return [Runner("openvino", ("openvino", "openvino-int8"), f"{PACKAGE}.session:load", environment="openvino")]


@hookimpl
def edgeroute_targets() -> Iterable[Target]:
    return [
        Target("openvino-cpu", "Intel CPU, with OpenVINO, in int8", ("openvino-int8",), rules=RULES),
        Target("openvino-cpu-float", "Intel CPU, with OpenVINO, in float", ("openvino",), rules=RULES),
    ]


@hookimpl
def edgeroute_recognize(path: Path) -> Recognition | None:
    from edgeroute_openvino import ir

    if not ir.looks_like_ir(path):
        return None
    model = ir.read(path)
    return Recognition("openvino-int8" if model.is_quantized else "openvino", ir.facts(model), (model.weights,))


@hookimpl
def edgeroute_check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport | None:
    if target.rules != RULES:
        return None
    from edgeroute_openvino.check import check

    return check(artifact, target)
