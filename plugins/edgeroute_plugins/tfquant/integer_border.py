"""Integer inputs and outputs for what the quantizer leaves with float ones; as TensorFlow's `modify_model_io_type` does it, byte for byte.

That function is not called since it can only be had with all of TensorFlow's Python (see `native`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.tflite import editing

OFFSET = 128
"""Between int8 and uint8."""


def set_types(model: Any, dtype: str) -> None:
    """Make every float input and output of the signed graphs (of the first, where none is signed) int8 or uint8, in place.

    Raises ConverterFailed where one of them is not quantized to int8.
    """
    for number in sorted({int(s.subgraphIndex) for s in model.signatureDefs or []} or {0}):
        graph = model.subgraphs[number]
        heads = _bridges(model, graph, "QUANTIZE", graph.inputs, dtype)
        if dtype == "uint8":
            _relabel(graph, [(head.inputs[0], head.outputs[0]) for head in heads])
        else:
            _cut(model, number, {int(head.inputs[0]): int(head.outputs[0]) for head in heads}, heads)
        tails = _bridges(model, graph, "DEQUANTIZE", graph.outputs, dtype)
        if dtype == "uint8":
            _relabel(graph, [(tail.outputs[0], tail.inputs[0]) for tail in tails])
            for tail in tails:
                tail.opcodeIndex = editing.add_code(model, "QUANTIZE")
        else:
            _cut(model, number, {int(tail.outputs[0]): int(tail.inputs[0]) for tail in tails}, tails)
        _merge(model, graph)


def _bridges(model: Any, graph: Any, name: str, border: Collection[int], dtype: str) -> list[Any]:
    """The operators between a float input or output and its int8 side."""
    kinds, found = editing.schema().TensorType, []
    for operator in _of(model, graph, name):
        outer, inner = (operator.inputs[0], operator.outputs[0]) if name == "QUANTIZE" else (operator.outputs[0], operator.inputs[0])
        if outer not in border or graph.tensors[outer].type == getattr(kinds, dtype.upper()):
            continue
        if graph.tensors[outer].type != kinds.FLOAT32 or graph.tensors[inner].type != kinds.INT8:
            raise _cannot(editing.text(graph.tensors[outer].name), dtype)
        found.append(operator)
    return found


def _of(model: Any, graph: Any, name: str) -> list[Any]:
    """The graph's operators that are this builtin."""
    return [o for o in graph.operators if editing.builtin(model, o) == getattr(editing.schema().BuiltinOperator, name)]


def _relabel(graph: Any, pairs: list[tuple[int, int]]) -> None:
    """Make each first tensor uint8, with the numbers of the int8 tensor beside it."""
    for outer, inner in pairs:
        known, own = graph.tensors[inner].quantization, editing.schema().QuantizationParametersT()
        own.scale, own.zeroPoint = [known.scale[0]], [known.zeroPoint[0] + OFFSET]
        graph.tensors[outer].quantization, graph.tensors[outer].type = own, editing.schema().TensorType.UINT8


def _cut(model: Any, number: int, ends: dict[int, int], bridges: list[Any]) -> None:
    """Let the graph begin and end at the inner tensors, without the operators between."""
    graph = model.subgraphs[number]
    graph.inputs = [ends.get(int(i), int(i)) for i in graph.inputs]
    graph.outputs = [ends.get(int(i), int(i)) for i in graph.outputs]
    for signature in model.signatureDefs or []:
        if int(signature.subgraphIndex) == number:
            for entry in (*signature.inputs, *signature.outputs):
                entry.tensorIndex = ends.get(int(entry.tensorIndex), int(entry.tensorIndex))
    graph.operators = [o for o in graph.operators if o not in bridges]
    if len(model.subgraphs) == 1:
        editing.drop_tensors(model, ends)


def _merge(model: Any, graph: Any) -> None:
    """Of two QUANTIZE in a row keep the second, which then takes what the first took."""
    floating = editing.schema().TensorType.FLOAT32
    quantizing = _of(model, graph, "QUANTIZE")
    again = {int(o.inputs[0]): o for o in quantizing if floating not in (graph.tensors[o.inputs[0]].type, graph.tensors[o.outputs[0]].type)}
    for first in quantizing:
        between = int(first.outputs[0])
        second = again.get(between)
        if second is None:
            continue
        second.inputs = [int(first.inputs[0])]  # what a file was read into is NumPy's, and cannot be written to
        for user in graph.operators:
            if user is not second and between in editing.wired(user.inputs):
                user.inputs = [second.outputs[0] if i == between else i for i in editing.wired(user.inputs)]
        graph.operators = [o for o in graph.operators if o is not first]


def _cannot(name: str, dtype: str) -> ConverterFailed:
    return ConverterFailed(
        f"the input or output {name!r} cannot be {dtype}: it is not quantized to int8 inside",
        where="tf-quantizer",
        remedy="cut what makes indices or booleans (ArgMax, comparisons, non-maximum suppression) off the model: the application does that part",
        code="tf-quantizer-border",
    )
