"""Rewrites a float `.tflite` where a quantizer is stricter than the runtime. The numbers stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeroute_plugins.tflite import editing

KEEP_CONSTANTS = "keep_stablehlo_constant"
"""Metadata of litert-torch's files under which the quantizer leaves convolutions in float."""


def legalize(model: Any) -> dict[str, int]:
    """Apply every rewrite to the object tree; returns how often each one applied."""
    done = {
        "dropped_metadata": drop_metadata(model, KEEP_CONSTANTS),
        "unpacked_half_floats": unpack_half_floats(model),
        "prelu_slopes": flatten_slopes(model),
        "pad_values": scalar_pad_values(model),
    }
    return {name: count for name, count in done.items() if count}


def drop_metadata(model: Any, name: str) -> int:
    """Remove a metadata entry."""
    entries = model.metadata or []
    model.metadata = [e for e in entries if editing.text(e.name) != name]
    return len(entries) - len(model.metadata)


def unpack_half_floats(model: Any) -> int:
    """Replace DEQUANTIZE of a stored float16 tensor by the float32 values."""
    count = 0
    for graph, operator in editing.operators(model, "DEQUANTIZE"):
        stored = graph.tensors[operator.inputs[0]]
        if stored.type != editing.schema().TensorType.FLOAT16:
            continue
        values = editing.constant(model, stored)
        if values is not None:
            store(model, graph.tensors[operator.outputs[0]], values.astype(np.float32))
            graph.operators.remove(operator)
            count += 1
    return count


def flatten_slopes(model: Any) -> int:
    """Give PRELU's constant slopes one rank less than its input: [1, 1, 1, C] → [1, 1, C]."""
    count = 0
    for graph, operator in editing.operators(model, "PRELU"):
        source, slopes = (graph.tensors[i] for i in operator.inputs[:2])
        size = editing.shape(slopes)
        if len(size) == len(editing.shape(source)) and size[:1] == (1,) and editing.constant(model, slopes) is not None:
            slopes.shape = np.array(size[1:], dtype=np.int32)
            count += 1
    return count


def scalar_pad_values(model: Any) -> int:
    """Give PADV2's padding value rank 0: [1] → []."""
    count = 0
    for graph, operator in editing.operators(model, "PADV2"):
        value = graph.tensors[operator.inputs[2]]
        if editing.shape(value) == (1,):
            value.shape = np.array([], dtype=np.int32)
            count += 1
    return count


def store(model: Any, tensor: Any, values: Any) -> None:
    """Make a tensor constant."""
    buffer = editing.schema().BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), dtype=np.uint8)
    model.buffers.append(buffer)
    tensor.buffer = len(model.buffers) - 1


def sign(model: Any) -> int:
    """Add a signature over the whole graph where the file has none; arguments are called like the tensors."""
    if model.signatureDefs:
        return 0
    schema, graph = editing.schema(), model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [_argument(graph, i) for i in graph.inputs]
    signature.outputs = [_argument(graph, i) for i in graph.outputs]
    model.signatureDefs = [signature]
    return 1


def _argument(graph: Any, index: int) -> Any:
    argument = editing.schema().TensorMapT()
    argument.name, argument.tensorIndex = editing.text(graph.tensors[index].name), int(index)
    return argument
