"""Versions of a pinned model, from the most to the least simplified. Needs onnx and onnxslim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx
from onnx import shape_inference, version_converter

from edgeroute_plugins.onnxslim import pinning
from edgeroute_plugins.onnxslim.options import Options


def versions(model: Any, options: Options) -> Iterator[tuple[str, Any]]:
    """Names and models, the preferred one first; None where the tool gave up. Inputs, outputs and metadata are the model's."""
    raised = raise_opset(model, options.opset)
    if options.simplify:
        if raised is not None:
            yield f"onnxslim, opset raised to {options.opset}", keep_border(slim(raised), model)
        yield "onnxslim", keep_border(slim(model), model)
    if raised is not None:
        yield f"shapes only, opset raised to {options.opset}", infer(raised)
    yield "shapes only", infer(model)


def raise_opset(model: Any, opset: int) -> Any:
    """The model at `opset`, or None where it is not older or onnx's converter lacks an adapter."""
    present = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    if present >= opset:
        return None
    try:
        raised = version_converter.convert_version(model, opset)
    except (RuntimeError, ValueError, TypeError):
        return None
    raised.ir_version = max(raised.ir_version, 7)
    del raised.graph.value_info[:]
    return raised


def slim(model: Any) -> Any:
    """Folded and fused by onnxslim; equal weights stay separate, since sharing them hinders equalization. None where it fails."""
    import onnxslim

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    try:
        slimmed = onnxslim.slim(copy, skip_optimizations=["weight_tying"])
    except Exception as error:  # a third party's graph surgery: anything may come, and pinning alone still serves
        print(f"onnxslim: {type(error).__name__}: {error}")
        return None
    return infer(slimmed) if pinning.open_outputs(slimmed.graph) else slimmed


def infer(model: Any) -> Any:
    """With inner and outer shapes inferred."""
    return shape_inference.infer_shapes(model, data_prop=True)


def keep_border(version: Any, model: Any) -> Any:
    """The version with its inputs and outputs in the model's order; None where one went missing or changed its type."""
    if version is None or not _same_border(version.graph, model.graph):
        return None
    _keep_order(version.graph.input, [i.name for i in model.graph.input])
    _keep_order(version.graph.output, [o.name for o in model.graph.output])
    del version.metadata_props[:]
    version.metadata_props.extend(model.metadata_props)
    return version


def _same_border(graph: Any, original: Any) -> bool:
    return all(_types(ours) == _types(theirs) for ours, theirs in ((graph.input, original.input), (graph.output, original.output)))


def _types(values: Any) -> dict[str, int]:
    return {v.name: v.type.tensor_type.elem_type for v in values}


def _keep_order(values: Any, names: list[str]) -> None:
    ordered = sorted(values, key=lambda v: names.index(v.name))
    kept = [type(v).FromString(v.SerializeToString()) for v in ordered]
    del values[:]
    values.extend(kept)
