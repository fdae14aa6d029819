"""The work behind `torch-onnx`: an exported program to ONNX by torch's current exporter."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import onnx
import torch

from edgeroute.errors import ConverterFailed
from edgeroute.types import Facts
from edgeroute_plugins.torch_onnx.onnx_files import check_file, onnx_facts
from edgeroute_plugins.torch_onnx.options import DynamoOptions
from edgeroute_plugins.torch_onnx.programs import load_program, names_of


def run(source: Path, out: Path, options: DynamoOptions) -> Facts:
    """Write the program as one ONNX file of the asked opset, inputs named as in the program. Raises ConverterFailed."""
    program = load_program(source, options.trust)
    names = list(options.input_names) or names_of(program, options.input_shapes)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = export(program, names, options)
    exported.save(str(out), external_data=False)
    check_file(out, options.opset, "torch-onnx")
    return onnx_facts(onnx.load(str(out)), exporter="dynamo")


def export(program: Any, names: list[str], options: DynamoOptions) -> Any:
    """The ONNXProgram; its errors name the operator that has no translation."""
    try:
        exported = torch.onnx.export(
            program,
            (),
            dynamo=True,
            verbose=False,
            input_names=names,
            output_names=list(options.output_names) or None,
            opset_version=options.opset,
            optimize=options.optimize,
            external_data=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        causes = " ".join(str(e) for e in (error, error.__cause__) if e is not None)
        line = next(
            (line for line in causes.splitlines() if "No decompositions" in line or "No ONNX function" in line),
            causes.strip().splitlines()[0],
        )
        raise ConverterFailed(
            f"the exporter cannot translate the program: {line}",
            remedy="replace that operator in forward(), or try another road: --via litert-torch, or --via torch-onnx-legacy",
            code="torch-onnx-failed",
        ) from error
    if exported is None:
        raise ConverterFailed(
            "the exporter returned nothing", remedy="try the other exporter: --via torch-onnx-legacy", code="torch-onnx-failed"
        )
    return exported
