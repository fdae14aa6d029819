"""Declares ExecuTorch: programs in float and in int8, the edges that lead there, what runs them, and CPUs with XNNPACK as targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Artifact, Converter, Cost, Environment, Format, Recognition, Runner, Symptom, Target, ValidationReport
from edgeroute_executorch.options import LowerOptions, QuantizeOptions

EDGEROUTE_API = 1
PACKAGE = "edgeroute_executorch"
RULES = "edgeroute_executorch:rules.toml"

SYMPTOMS = (
    Symptom(
        r"Converter is not implemented \(OperationDescription\(domain='', operation_type='(\w+)', version=(\d+)\)\)",
        "executorch-onnx-operator",
        "onnx2torch has no translation for {0} (opset {1})",
        "export the network from PyTorch itself (torch.export), and convert the .pt2",
    ),
    Symptom(
        r"Missing out variants: \{?'?([\w:.', ]+?)'?\}",
        "executorch-operator",
        "ExecuTorch has no kernel for {0}",
        "replace that operator in the network",
    ),
)


@hookimpl
def edgeroute_formats() -> Iterable[Format]:
    return [
        Format("executorch", "ExecuTorch program, float", ".pte", static=True, promise=f"{PACKAGE}.promises:floating"),
        Format(
            "executorch-int8", "ExecuTorch program, int8", ".pte", precision="int8", static=True, promise=f"{PACKAGE}.promises:quantized"
        ),
    ]


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    """ExecuTorch's own requirements hold what only its examples need (tokenizers, data frames, Core ML): they are left out."""
    return [
        Environment(
            name="executorch",
            requirements=(
                "torch==2.13.0",
                "onnx==1.23.2",
                "numpy==2.4.6",
                "flatbuffers==25.12.19",
                "ruamel.yaml==0.19.1",
                "tabulate==0.10.0",
                "PyYAML==6.0.3",
            ),
            no_deps=("executorch==1.5.1", "torchao==0.18.0", "onnx2torch==1.5.15"),
            python=">=3.11,<3.14",
            megabytes=1200,
        )
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [*(_lower(source) for source in SOURCES), *(_quantize(source) for source in SOURCES)]


SOURCES = ("onnx-static", "torch-exported")
EXTRA_RISK = {"onnx-static": 0.06, "torch-exported": 0.0}
"""onnx2torch knows fewer operators than torch."""


def _lower(source: str) -> Converter:
    return Converter(
        name="executorch",
        title="lower to XNNPACK, write a program",
        source=source,
        target="executorch",
        run=f"{PACKAGE}.run:lower",
        options=LowerOptions,
        environment="executorch",
        cost=Cost(risk=0.04 + EXTRA_RISK[source], seconds=20),
        preflight=f"{PACKAGE}.preflight:preflight",
        symptoms=SYMPTOMS,
    )


def _quantize(source: str) -> Converter:
    return Converter(
        name="executorch-quantize",
        title="quantize with PT2E, lower to XNNPACK, write a program",
        source=source,
        target="executorch-int8",
        run=f"{PACKAGE}.run:quantize",
        options=QuantizeOptions,
        environment="executorch",
        cost=Cost(risk=0.06 + EXTRA_RISK[source], loss=0.8, seconds=30),
        preflight=f"{PACKAGE}.preflight:preflight",
        symptoms=SYMPTOMS,
    )


@hookimpl
def edgeroute_runners() -> Iterable[Runner]:
    return [Runner("executorch", ("executorch", "executorch-int8"), f"{PACKAGE}.session:load", environment="executorch")]


@hookimpl
def edgeroute_targets() -> Iterable[Target]:
    return [
        Target("executorch-xnnpack", "Phone CPU, ExecuTorch with XNNPACK, in int8", ("executorch-int8",), rules=RULES),
        Target("executorch-xnnpack-float", "Phone CPU, ExecuTorch with XNNPACK, in float", ("executorch",), rules=RULES),
    ]


@hookimpl
def edgeroute_recognize(path: Path) -> Recognition | None:
    from edgeroute_executorch import program

    if not program.looks_like_program(path):
        return None
    found = program.read(path)
    return Recognition("executorch-int8" if found.is_quantized else "executorch", program.facts(found, path.stat().st_size))


@hookimpl
def edgeroute_check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport | None:
    if target.rules != RULES:
        return None
    from edgeroute_executorch.check import check

    return check(artifact, target)
