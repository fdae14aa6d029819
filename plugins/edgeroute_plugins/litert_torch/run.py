"""The work behind `litert-torch`: an exported program to a float TFLite file with channel-last borders."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import ConverterFailed, SourceError
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.litert_torch.layout import ChannelLast, to_last
from edgeroute_plugins.litert_torch.options import Options
from edgeroute_plugins.litert_torch.tidy import keep_means_in_place
from edgeroute_plugins.torch_onnx.programs import example_inputs, load_program, program_facts


def run(source: Path, out: Path, options: Options) -> Facts:
    """Write the program as TFLite; inputs and outputs keep their order, images become NHWC, an open batch becomes 1.

    Raises SourceError for other dimensions left open, ConverterFailed naming the operator that has no lowering.
    """
    program = load_program(source, options.trust)
    facts = program_facts(program)
    if unsettled := open_ports(facts, options):
        raise SourceError(
            f"the program leaves dimensions of {', '.join(unsettled)} open",
            where=source.name,
            remedy=f"say how large it is: --input-shape {unsettled[0]}:1,3,H,W",
            code="torch-dynamic-shapes",
        )
    inputs, outputs = images(facts.inputs, options), images(facts.outputs, options)
    inner = program.module()
    tidied = keep_means_in_place(inner)
    module = ChannelLast(inner, inputs, outputs)
    examples = [to_last(e).contiguous() if i in inputs else e for i, e in enumerate(example_inputs(program, options.input_shapes))]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = module(*examples)
        convert(module, examples).export(str(out))
    if not out.exists():
        raise ConverterFailed("litert-torch wrote no file", remedy="take the road over ONNX: --via torch-onnx", code="litert-torch-no-file")
    return Facts(
        inputs=laid_out(facts.inputs, examples, inputs),
        outputs=laid_out(facts.outputs, answers, outputs),
        notes={"channel_last_inputs": inputs, "channel_last_outputs": outputs, "means_kept_in_place": tidied},
    )


def open_ports(facts: Facts, options: Options) -> list[str]:
    """Inputs with an open dimension that is not the first and that the user did not settle."""
    return [t.name for t in facts.inputs if t.name not in options.input_shapes and any(d is None for d in t.shape[1:])]


def images(ports: Sequence[Tensor], options: Options) -> list[int]:
    """Indices of the ports that become channel-last."""
    if options.channel_last == "none":
        return []
    if options.channel_last == "list":
        return [i for i, t in enumerate(ports) if t.name in options.channel_last_names]
    return [i for i, t in enumerate(ports) if len(t.shape) == 4 and t.dtype.startswith("float")]


def laid_out(ports: Sequence[Tensor], values: Sequence[Any], chosen: Sequence[int]) -> tuple[Tensor, ...]:
    """The ports as the TFLite file has them: with the values' shapes, and NHWC where chosen."""
    pairs = enumerate(zip(ports, values, strict=True))
    return tuple(dataclasses.replace(t, shape=tuple(v.shape), layout="NHWC" if i in chosen else "") for i, (t, v) in pairs)


def convert(module: Any, examples: Sequence[Any]) -> Any:
    """litert-torch's model object; its failures name the operator."""
    os.environ["LITERT_TORCH_SHOW_PROGRESS"] = "n"
    import litert_torch

    try:
        return litert_torch.convert(module, tuple(examples))
    except Exception as error:  # litert-torch, torch.export and MLIR: no common base
        raise failure(error) from error


def failure(error: Exception) -> ConverterFailed:
    """litert-torch's error in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = next(
        (line for line in lines if "Lowering not found" in line or "not supported" in line), lines[0] if lines else type(error).__name__
    )
    return ConverterFailed(
        f"litert-torch cannot convert the program: {telling}",
        remedy="replace that operator in forward(), or take the road over ONNX: --via torch-onnx",
        code="litert-torch-failed",
    )
