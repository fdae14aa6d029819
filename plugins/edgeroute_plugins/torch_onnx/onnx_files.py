"""What an exporter wrote, held against what was asked: one valid file of the right opset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from onnx import helper

from edgeroute.errors import ConverterFailed
from edgeroute.types import Facts, Tensor


def check_file(path: Path, opset: int, converter: str) -> None:
    """Raise ConverterFailed where the file is invalid, in several pieces, or (silently) of another opset than asked."""
    model = onnx.load(str(path), load_external_data=False)
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
        raise ConverterFailed(
            "the exporter put weights beside the file",
            where=path.name,
            remedy="reduce the model below 2 GB: protobuf holds no more",
            code="onnx-external-data",
        )
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ConverterFailed(
            f"the exporter wrote an invalid file: {str(error).strip().splitlines()[0]}",
            where=path.name,
            remedy="try the other exporter: --via torch-onnx or --via torch-onnx-legacy",
            code="onnx-invalid",
        ) from error
    written = opset_of(model)
    if written != opset:
        raise ConverterFailed(
            f"opset {opset} was asked for, the exporter wrote {written}",
            where=path.name,
            remedy=f"take what it writes: --set {converter}.opset={written}; for opsets below 18: --via torch-onnx-legacy",
            code="onnx-opset-differs",
        )


def opset_of(model: Any) -> int:
    """Version of the default operator set."""
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)


def onnx_facts(model: Any, **notes: Any) -> Facts:
    """Ports and operators as the file declares them; a dimension without a number is None."""
    constants = {i.name for i in model.graph.initializer}
    operators: dict[str, int] = {}
    for node in model.graph.node:
        operators[node.op_type] = operators.get(node.op_type, 0) + 1
    return Facts(
        inputs=tuple(port(v) for v in model.graph.input if v.name not in constants),
        outputs=tuple(port(v) for v in model.graph.output),
        operators=operators,
        details={"opset": opset_of(model), "producer": model.producer_name},
        notes=notes,
    )


def port(value: Any) -> Tensor:
    """An input or output of the graph."""
    kind = value.type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    return Tensor(value.name, shape, str(helper.tensor_dtype_to_np_dtype(kind.elem_type)))
