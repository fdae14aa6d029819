"""The work behind `torch-onnx-legacy`: TorchScript, or an exported program, to ONNX by torch's first exporter."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch

from edgeroute.errors import ConverterFailed, UsageError
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.torch_onnx.onnx_files import check_file, onnx_facts
from edgeroute_plugins.torch_onnx.options import LegacyOptions
from edgeroute_plugins.torch_onnx.programs import example_inputs, load_program, load_script, names_of, random_tensor


def run_script(source: Path, out: Path, options: LegacyOptions) -> Facts:
    """Write a TorchScript file as ONNX. Raises TrustError first: the file's code runs; UsageError without shapes."""
    module = load_script(source, options.trust)
    if not options.input_shapes:
        raise UsageError(
            "TorchScript does not say how large its inputs are", remedy="say it: --input-shape NAME:1,3,224,224", code="input-shape-needed"
        )
    generator = torch.Generator().manual_seed(0)
    names = script_inputs(module, list(options.input_shapes))
    ports = [Tensor(n, tuple(options.input_shapes[n]), options.input_dtypes.get(n, "float32")) for n in names]
    return write(module, [random_tensor(p, generator) for p in ports], names, out, options)


def run_program(source: Path, out: Path, options: LegacyOptions) -> Facts:
    """Write an exported program as ONNX of an opset that the dynamo exporter does not reach (below 18)."""
    program = load_program(source, options.trust)
    return write(program.module(), example_inputs(program, options.input_shapes), names_of(program, options.input_shapes), out, options)


def script_inputs(module: Any, given: list[str]) -> list[str]:
    """The user's names in the order of `forward`, by its own names where they are the same."""
    own = [v.debugName().split(".")[0] for v in list(module.graph.inputs())[1:]]
    return [n for n in own if n in given] if set(given) <= set(own) else given


def write(module: Any, inputs: Sequence[Any], names: list[str], out: Path, options: LegacyOptions) -> Facts:
    """Call the exporter and check what it wrote."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = output_names(module, inputs, options.output_names)
        try:
            torch.onnx.export(
                module,
                tuple(inputs),
                str(out),
                dynamo=False,
                verbose=False,
                input_names=names,
                output_names=outputs,
                opset_version=options.opset,
                training=torch.onnx.TrainingMode.PRESERVE,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            raise ConverterFailed(
                f"the exporter cannot translate the network: {str(error).strip().splitlines()[0]}",
                remedy="raise the opset (--set torch-onnx-legacy.opset=20), replace that operator in forward(), or try another road: --via torch-onnx",
                code="torch-onnx-failed",
            ) from error
    check_file(out, options.opset, "torch-onnx-legacy")
    return onnx_facts(onnx.load(str(out)), exporter="torchscript")


def output_names(module: Any, inputs: Sequence[Any], given: Sequence[str]) -> list[str]:
    """One name per output tensor."""
    if given:
        return list(given)
    answer = module(*(i.clone() for i in inputs))
    count = len([t for t in torch.utils._pytree.tree_leaves(answer) if isinstance(t, torch.Tensor)])
    return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]
