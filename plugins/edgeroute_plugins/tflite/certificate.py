"""The int8 certificate: what "int8" means for one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeroute.types import Json, Tensor
from edgeroute_plugins.tflite.analysis import Analysis, analyse
from edgeroute_plugins.tflite.facts import measure, places
from edgeroute_plugins.tflite.reader import Model, TensorData, read


def certificate(model: Model | Path) -> Mapping[str, Json]:
    """One table: full integer or not, every float island by operator and tensor, granularity, border, operator versions.

    Takes a model that was read, or a file; `SourceError` where the file is damaged.
    """
    read_model = read(model) if isinstance(model, Path) else model
    analysis = analyse(read_model)
    facts = measure(read_model, analysis, 0)
    return {
        "full_integer": analysis.full_integer,
        "statement": _statement(analysis),
        "granularity": "per-tensor" if analysis.per_tensor else "per-channel",
        "per_channel_tensors": [_channel_row(t) for t in analysis.per_channel],
        "float_islands": places(analysis.float_islands),
        "float_tail": places(analysis.float_tail),
        "float_head": places(analysis.float_head),
        "float_operators": len(analysis.float_operators),
        "operators": sum(facts.operators.values()),
        "inputs": [_border_row(t) for t in facts.inputs],
        "outputs": [_border_row(t) for t in facts.outputs],
        "op_versions": facts.details["op_versions"],
        "min_runtime_version": facts.details["min_runtime_version"],
    }


def _statement(analysis: Analysis) -> str:
    """The verdict as a sentence."""
    count = len(analysis.float_operators)
    if analysis.kind == "edgetpu":
        return "Compiled for the Edge TPU: its arithmetic is inside one custom operator and cannot be read."
    if analysis.full_integer:
        weights = "one scale per tensor" if analysis.per_tensor else f"{len(analysis.per_channel)} tensors with a scale per channel"
        return f"Full integer: no operator, input or output is float; {weights}."
    if analysis.kind == "float":
        return "Not quantized: every operator computes in float."
    if analysis.has_int16_activations:
        return "16x8: activations are int16, which the accelerators do not take."
    if not analysis.is_quantized:
        return "Only the weights are int8: activations are float (dynamic range)."
    if not count:
        return f"Integer inside, float at the border: {', '.join(analysis.float_borders)}."
    floats = "1 operator computes" if count == 1 else f"{count} operators compute"
    return f"Partly integer: {floats} in float ({len(analysis.float_islands)} in islands, {len(analysis.float_tail)} in the tail)."


def _channel_row(tensor: TensorData) -> dict[str, Json]:
    return {"tensor": tensor.name, "index": tensor.index, "dtype": tensor.dtype, "scales": len(tensor.scale), "axis": tensor.axis}


def _border_row(tensor: Tensor) -> dict[str, Json]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "scale": list(tensor.scale),
        "zero_point": list(tensor.zero_point),
    }
