"""Declares `litert-torch`: torch-exported → tflite."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Environment, Symptom
from edgeroute_plugins.litert_torch.options import Options

PACKAGE = "edgeroute_plugins.litert_torch"

SYMPTOMS = (
    Symptom(
        r"Lowering not found: ([\w.:]+)",
        "torch-operator-unsupported",
        "litert-torch has no lowering for {0}",
        "replace {0} in forward(), or take the road over ONNX: --via torch-onnx",
    ),
    Symptom(
        r"Exporting a ScriptModule is not supported",
        "torchscript-unsupported",
        "litert-torch does not take TorchScript",
        "take the road over ONNX: --via torch-onnx-legacy",
    ),
    Symptom(
        r"GuardOnDataDependentSymNode|Could not guard on data-dependent expression",
        "torch-data-dependent",
        "a shape inside the network depends on its data",
        "leave non-maximum suppression and the like out of forward()",
    ),
    Symptom(
        r"(?:DefaultCPUAllocator: can't allocate memory|MemoryError|std::bad_alloc)",
        "out-of-memory",
        "the network did not fit into memory while it was lowered",
        "free some memory, or take the road over ONNX: --via torch-onnx",
    ),
)


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    return [
        Environment(
            name="litert-torch",
            requirements=("torch==2.13.0", "litert-torch==0.10.0", "ai-edge-litert==2.3.0", "numpy==2.4.6"),
            accepts=("torch>=2.9,<2.15", "litert-torch>=0.10,<0.11", "ai-edge-litert>=2.3,<2.4"),
            python=">=3.11,<3.14",
            megabytes=2300,
        )
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="litert-torch",
            title="lower the PyTorch program to TFLite without a detour",
            source="torch-exported",
            target="tflite",
            run=f"{PACKAGE}.run:run",
            options=Options,
            environment="litert-torch",
            cost=Cost(risk=0.06, seconds=10),
            preflight=f"{PACKAGE}.preflight:preflight",
            symptoms=SYMPTOMS,
        )
    ]
