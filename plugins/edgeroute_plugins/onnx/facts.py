"""What is told about an ONNX file: everything here was read from the file, nothing was run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path

from edgeroute.types import Facts, Json, Tensor
from edgeroute_plugins.onnx.layout import Layouts
from edgeroute_plugins.onnx.macs import graph_macs
from edgeroute_plugins.onnx.proto import Dimension, Initializer, Model, Node, ValueInfo

MOST_NAMES = 32
QUANTIZED = frozenset(
    [
        "QuantizeLinear",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "QLinearConv",
        "QLinearMatMul",
        "ConvInteger",
        "MatMulInteger",
        "QGemm",
        "QLinearAdd",
        "QLinearMul",
        "QLinearConcat",
        "QLinearSigmoid",
        "QLinearLeakyRelu",
        "QLinearAveragePool",
        "QLinearGlobalAveragePool",
    ]
)


def facts_of(model: Model, size: int = 0, files: Sequence[Path] = ()) -> Facts:
    """The facts of a model whose file has `size` bytes and keeps weights in `files`."""
    layouts = Layouts(model.graph)
    inputs = tuple(_tensor(v, layouts.of_input(v)) for v in model.graph.inputs)
    outputs = tuple(_tensor(v, layouts.of_output(v)) for v in model.graph.outputs)
    nodes = [n for g in model.graph.walk() for n in g.nodes] + [n for f in model.functions for n in f.nodes]
    details = {
        **_general(model, size, files),
        **_weights(model, nodes),
        **_special(model, nodes),
        "dynamic_dims": [t.name for t in (*inputs, *outputs) if not t.is_static],
    }
    return Facts(inputs, outputs, dict(Counter(n.label for n in nodes).most_common()), details)


def _tensor(value: ValueInfo, layout: str) -> Tensor:
    return Tensor(value.name, tuple(_size(d) for d in value.shape or ()), value.dtype, layout)


def _size(dimension: Dimension) -> int | None:
    return dimension if isinstance(dimension, int) and dimension > 0 else None


def _general(model: Model, size: int, files: Sequence[Path]) -> dict[str, Json]:
    open_names = {d for v in model.graph.inputs for d in v.shape or () if isinstance(d, str)}
    return {
        "bytes": size,
        "opset": model.opset,
        "opsets": {domain or "ai.onnx": version for domain, version in sorted(model.opsets.items())},
        "ir_version": model.ir_version,
        "producer": model.producer,
        "graph": model.graph.name,
        "external_data": [file.name for file in files],
        "open_dimensions": sorted(open_names),
        "unknown_shapes": [v.name for v in (*model.graph.inputs, *model.graph.outputs) if v.shape is None],
    }


def _weights(model: Model, nodes: Sequence[Node]) -> dict[str, Json]:
    constants = [t for n in nodes if n.op_type == "Constant" for a in n.attributes.values() for t in a.tensors]
    stored = [t for g in model.graph.walk() for t in g.initializers.values()]
    trained = [t for t in (*stored, *constants) if _is_trained(t)]
    return {
        "parameters": sum(prod(t.shape) for t in trained),
        "parameter_bytes": sum(t.length if t.is_external and t.length else t.stored for t in trained),
        "weight_dtypes": dict(Counter(t.dtype for t in trained).most_common()),
        "macs": graph_macs(model.graph),
    }


def _is_trained(tensor: Initializer) -> bool:
    """Floats, and the small integers that quantized models store; int32 and int64 are shapes, indices and biases of integer models."""
    return "float" in tensor.dtype or tensor.dtype in ("int8", "uint8", "int4", "uint4")


def _special(model: Model, nodes: Sequence[Node]) -> dict[str, Json]:
    return {
        "quantized": any(n.op_type in QUANTIZED for n in nodes),
        "domains": sorted({n.domain for n in nodes} - {"", "ai.onnx"}),
        "functions": sorted(f"{f.domain}.{f.name}" for f in model.functions),
        "control_flow": dict(Counter(n.op_type for n in nodes if n.op_type in ("If", "Loop", "Scan"))),
    }
