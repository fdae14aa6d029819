"""Rewrites a float `.tflite` where a quantizer is stricter than the runtime. The numbers stay the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from edgeroute_plugins.tflite import editing
from edgeroute_plugins.tflite.fusion import fuse_activations
from edgeroute_plugins.tflite.gates import spell_unit_clips

KEEP_CONSTANTS = "keep_stablehlo_constant"
"""Metadata of litert-torch's files under which the quantizer leaves convolutions in float."""


NEVER_NEGATIVE = ("RELU", "RELU6", "LOGISTIC", "SOFTMAX", "ABS", "EXP", "SQRT")


def legalize(model: Any) -> dict[str, int]:
    """Apply every rewrite that any quantizer needs to the object tree; returns how often each one applied."""
    done = {
        "dropped_metadata": drop_metadata(model, KEEP_CONSTANTS),
        "dense_constants": densify(model),
        "unpacked_half_floats": unpack_half_floats(model),
        "negations": multiply_negations(model),
        "zero_pads": pad_with_zero(model),
        "unit_clips": spell_unit_clips(model),
        "fused_activations": fuse_activations(model),
        "renamed_tensors": tell_apart(model),
    }
    return {name: count for name, count in done.items() if count}


def drop_metadata(model: Any, name: str) -> int:
    """Remove a metadata entry."""
    entries = model.metadata or []
    model.metadata = [e for e in entries if editing.text(e.name) != name]
    return len(entries) - len(model.metadata)


def tell_apart(model: Any) -> int:
    """Give tensors of one name names of their own, inputs and outputs first: ai-edge-quantizer keeps ranges by name."""
    count = 0
    for graph in model.subgraphs:
        border = dict.fromkeys(int(i) for i in (*graph.inputs, *graph.outputs))
        taken = {editing.text(t.name) for t in graph.tensors}
        seen: set[str] = set()
        for index in (*border, *(i for i in range(len(graph.tensors)) if i not in border)):
            name = editing.text(graph.tensors[index].name)
            if name in seen:
                name = next(n for n in (f"{name}_{number}" for number in itertools.count(2)) if n not in taken)
                graph.tensors[index].name = name
                taken.add(name)
                count += 1
            seen.add(name)
    return count


def densify(model: Any) -> int:
    """Write out every constant that leaves its zeros out, which DENSIFY does at run time; returns how many there were."""
    count = 0
    for tensor in (t for graph in model.subgraphs for t in graph.tensors if t.sparsity is not None):
        values, tensor.sparsity = editing.constant(model, tensor), None
        if values is not None:
            store(model, tensor, values)
            count += 1
    for graph, operator in editing.operators(model, "DENSIFY"):
        values = editing.constant(model, graph.tensors[operator.inputs[0]])
        if values is not None:
            store(model, graph.tensors[operator.outputs[0]], values)
            graph.operators.remove(operator)
    return count


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


def multiply_negations(model: Any) -> int:
    """Spell NEG as a multiplication by -1, which is integer where NEG stays in float."""
    count = 0
    for graph, operator in editing.operators(model, "NEG"):
        if graph.tensors[operator.inputs[0]].type != editing.schema().TensorType.FLOAT32:
            continue
        factor = editing.add_constant(model, graph, f"{editing.text(graph.tensors[operator.outputs[0]].name)}_factor", np.float32([-1.0]))
        operator.opcodeIndex = editing.add_code(model, "MUL")
        operator.inputs = np.array([operator.inputs[0], factor], dtype=np.int32)
        operator.builtinOptionsType = editing.schema().BuiltinOptions.MulOptions
        operator.builtinOptions = editing.schema().MulOptionsT()
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


def pad_with_zero(model: Any) -> int:
    """Spell PADV2 as PAD, which pads with zero: where it does so already, and before a max-pooling of what is never negative.

    There onnx2tf pads with the lowest float, which would stretch the quantized range to 1e38; and no accelerator's table
    lists PADV2.
    """
    count = 0
    for graph, operator in editing.operators(model, "PADV2"):
        value = editing.constant(model, graph.tensors[operator.inputs[2]])
        if value is not None and (not value.any() or (value.max() < 0 and _floors_pools(model, graph, operator))):
            operator.opcodeIndex = editing.add_code(model, "PAD")
            operator.inputs = np.array(operator.inputs[:2], dtype=np.int32)
            operator.builtinOptionsType = editing.schema().BuiltinOptions.PadOptions
            operator.builtinOptions = editing.schema().PadOptionsT()
            count += 1
    return count


def _floors_pools(model: Any, graph: Any, operator: Any) -> bool:
    return _only_pools(model, graph, int(operator.outputs[0])) and never_negative(model, graph, int(operator.inputs[0]))


def _only_pools(model: Any, graph: Any, index: int) -> bool:
    """Whether max-poolings alone read a tensor."""
    readers = [o for o in graph.operators if index in o.inputs]
    pool = editing.schema().BuiltinOperator.MAX_POOL_2D
    return bool(readers) and index not in graph.outputs and all(editing.builtin(model, o) == pool for o in readers)


def lower_bounds(model: Any, smallest: Callable[[int], float]) -> dict[int, int]:
    """Pad max-poolings by the smallest value that their input takes instead of the lowest float; `smallest` tells it by tensor index.

    Exact, since every window holds a value at least as large. Returns padded tensor → its source, whose range it now has.
    """
    settled = {}
    for graph, operator in editing.operators(model, "PADV2"):
        source, result = int(operator.inputs[0]), int(operator.outputs[0])
        value = editing.constant(model, graph.tensors[operator.inputs[2]])
        if graph is model.subgraphs[0] and value is not None and value.max() < smallest(source) and _only_pools(model, graph, result):
            store(model, graph.tensors[operator.inputs[2]], np.full(value.shape, smallest(source), dtype=np.float32))
            settled[result] = source
    return settled


def never_negative(model: Any, graph: Any, index: int) -> bool:
    """Whether a tensor's producer makes zeros and positive values only."""
    schema = editing.schema()
    producer = next((o for o in graph.operators if index in o.outputs), None)
    if producer is None:
        return False
    if editing.builtin(model, producer) in {getattr(schema.BuiltinOperator, name) for name in NEVER_NEGATIVE}:
        return True
    fused = getattr(producer.builtinOptions, "fusedActivationFunction", 0)
    return fused in (schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.RELU6)


def shape_pad_values(model: Any, rank: int) -> int:
    """Give PADV2's padding value this rank: [1] → [] for TensorFlow's quantizer, [1, 1, 1, 1] for ai-edge-quantizer."""
    count = 0
    for graph, operator in editing.operators(model, "PADV2"):
        value = graph.tensors[operator.inputs[2]]
        if len(editing.shape(value)) != rank:
            value.shape = np.ones(rank, dtype=np.int32)
            count += 1
    return count


def store(model: Any, tensor: Any, values: Any) -> None:
    """Make a tensor constant."""
    buffer = editing.schema().BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), dtype=np.uint8)
    model.buffers.append(buffer)
    tensor.buffer = len(model.buffers) - 1
