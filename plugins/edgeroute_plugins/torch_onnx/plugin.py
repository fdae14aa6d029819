"""Declares the PyTorch edges: weights, modules and TorchScript to exported programs and ONNX."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Environment, Runner, Symptom
from edgeroute_plugins.torch_onnx.options import DynamoOptions, ExportOptions, LegacyOptions

PACKAGE = "edgeroute_plugins.torch_onnx"

SYMPTOMS = (
    Symptom(
        r"No decompositions registered for the real-valued input|No ONNX function found for <OpOverload\(op='([\w.]+)'",
        "torch-operator-unsupported",
        "the exporter has no ONNX translation for {0}",
        "replace that operator in forward(), or take another road: --via litert-torch",
    ),
    Symptom(
        r"Exporting the operator '([\w:]+)' to ONNX opset version (\d+) is not supported",
        "torch-operator-unsupported",
        "operator {0} does not exist in ONNX opset {1}",
        "raise the opset (--set torch-onnx-legacy.opset=20), or take the other exporter: --via torch-onnx",
    ),
    Symptom(
        r"No module named '(onnxscript|onnx|safetensors)'",
        "torch-environment-incomplete",
        "the environment lacks {0}",
        "build the environment again: edgeroute env build torch",
    ),
    Symptom(
        r"(?:DefaultCPUAllocator: can't allocate memory|MemoryError|std::bad_alloc)",
        "out-of-memory",
        "the network did not fit into memory while it was exported",
        "free some memory, or export at a smaller input size: --input-shape NAME:1,3,H,W",
    ),
)


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    return [
        Environment(
            name="torch",
            requirements=("torch==2.13.0", "onnx==1.23.2", "onnxscript==0.7.2", "safetensors==0.8.0", "numpy==2.4.6"),
            accepts=("torch>=2.9,<2.15", "onnx>=1.19", "onnxscript>=0.5", "safetensors>=0.4", "numpy>=1.26"),
            python=">=3.11,<3.14",
            megabytes=1100,
        )
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [*exports(), *onnx_edges()]


def exports() -> list[Converter]:
    """Weights and modules to exported programs."""
    rows = [("torch-state", "run", "weights"), ("safetensors", "run", "weights"), ("torch-module", "run_module", "module")]
    return [
        Converter(
            name="torch-export",
            title="build the network, load its weights and trace it",
            source=source,
            target="torch-exported",
            run=f"{PACKAGE}.export:{function}",
            options=ExportOptions,
            environment="torch",
            cost=Cost(risk=0.04, seconds=4),
            preflight=f"{PACKAGE}.preflight:{preflight}",
            symptoms=SYMPTOMS,
        )
        for source, function, preflight in rows
    ]


def onnx_edges() -> list[Converter]:
    """Exported programs and TorchScript to ONNX."""
    legacy = [("torchscript", "run_script", "script", 0.06), ("torch-exported", "run_program", "legacy", 0.08)]
    return [
        Converter(
            name="torch-onnx",
            title="write ONNX with torch's current exporter (opset 18 and above)",
            source="torch-exported",
            target="onnx",
            run=f"{PACKAGE}.dynamo:run",
            options=DynamoOptions,
            environment="torch",
            cost=Cost(risk=0.05, seconds=5),
            preflight=f"{PACKAGE}.preflight:dynamo",
            symptoms=SYMPTOMS,
        ),
        *(
            Converter(
                name="torch-onnx-legacy",
                title="write ONNX with torch's first exporter (TorchScript; opsets 13 to 20)",
                source=source,
                target="onnx",
                run=f"{PACKAGE}.legacy:{function}",
                options=LegacyOptions,
                environment="torch",
                cost=Cost(risk=risk, seconds=4),
                preflight=f"{PACKAGE}.preflight:{preflight}",
                symptoms=SYMPTOMS,
            )
            for source, function, preflight, risk in legacy
        ),
    ]


@hookimpl
def edgeroute_runners() -> Iterable[Runner]:
    return [
        Runner("torch-program", ("torch-exported",), f"{PACKAGE}.session:open_program", "torch", f"{PACKAGE}.session:inspect_program"),
        Runner("torchscript", ("torchscript",), f"{PACKAGE}.session:open_script", "torch"),
    ]


@hookimpl
def edgeroute_capture(obj: object, folder: Path, inputs: Any) -> Path | None:
    from edgeroute_plugins.torch_onnx.capture import capture, is_torch

    return capture(obj, folder, inputs) if is_torch(obj) else None
