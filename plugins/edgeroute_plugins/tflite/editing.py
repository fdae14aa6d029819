"""Changes a `.tflite` file in place of a converter that got a detail wrong. Needs flatbuffers and either LiteRT or TensorFlow.

The whole model is held as the object tree of the generated schema (`ModelT`): files above 2 GB do not fit.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute_plugins.feeding import Slot
from edgeroute_plugins.tflite.sparse import expand

IDENTIFIER = b"TFL3"

_SCHEMAS = ("ai_edge_litert.schema_py_generated", "tensorflow.lite.python.schema_py_generated")


@cache
def schema() -> Any:
    """The generated schema of whichever runtime this environment has."""
    for name in _SCHEMAS[:-1]:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    return importlib.import_module(_SCHEMAS[-1])


def parse(blob: bytes) -> Any:
    """The model in these bytes as a changeable object tree.

    Buffers that stand behind the flatbuffer (ai-edge-quantizer writes them so) are taken in: older runtimes do not find them.
    Operator codes of older files, which know the narrow field alone, are written into both: ai-edge-quantizer reads the wide one.
    """
    model = schema().ModelT.InitFromObj(schema().Model.GetRootAs(blob, 0))
    for code in model.operatorCodes:
        code.builtinCode = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
    for buffer in model.buffers:
        if getattr(buffer, "offset", 0) > 1:
            buffer.data = np.frombuffer(blob, dtype=np.uint8, count=buffer.size, offset=buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def serialize(model: Any) -> memoryview:
    """The file's bytes."""
    import flatbuffers

    prune_codes(model)
    weights = sum(len(b.data) for b in model.buffers if b.data is not None)
    builder = flatbuffers.Builder(weights + (4 << 20))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return memoryview(builder.Bytes)[builder.Head() :]


def prune_codes(model: Any) -> None:
    """Forget operator codes that no operator uses any more: runtimes look every listed one up."""
    used = sorted({o.opcodeIndex for graph in model.subgraphs for o in graph.operators or []})
    places = {old: new for new, old in enumerate(used)}
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            operator.opcodeIndex = places[operator.opcodeIndex]
    model.operatorCodes = [model.operatorCodes[i] for i in used]


def load(path: Path) -> Any:
    """The model in a file as a changeable object tree."""
    return parse(path.read_bytes())


def save(model: Any, path: Path) -> None:
    """Write the object tree as a `.tflite` file."""
    path.write_bytes(serialize(model))


def text(name: bytes | str | None) -> str:
    """A name of the object tree, which holds bytes or str."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""


def shape(tensor: Any) -> tuple[int, ...]:
    """The tensor's shape; empty for a scalar."""
    return tuple(int(d) for d in tensor.shape) if tensor.shape is not None else ()


def wired(indices: Any) -> list[int]:
    """The tensors that an operator is connected to; the object tree holds None where there are none."""
    return [] if indices is None else [int(i) for i in indices]


def builtin(model: Any, operator: Any) -> int:
    """The operator's builtin code."""
    code = model.operatorCodes[operator.opcodeIndex]
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def slots(model: Any) -> list[Slot]:
    """The first graph's inputs, in order."""
    graph = model.subgraphs[0]
    kinds = {v: k.lower() for k, v in vars(schema().TensorType).items() if isinstance(v, int)}
    return [Slot(text(t.name), shape(t), kinds[t.type]) for t in (graph.tensors[i] for i in graph.inputs)]


def operators(model: Any, *names: str) -> Iterator[tuple[Any, Any]]:
    """Every (subgraph, operator) that is one of these builtins."""
    wanted = {getattr(schema().BuiltinOperator, name) for name in names if hasattr(schema().BuiltinOperator, name)}
    for subgraph in model.subgraphs:
        for operator in list(subgraph.operators):
            if builtin(model, operator) in wanted:
                yield subgraph, operator


def constant(model: Any, tensor: Any) -> Any:
    """The values of a constant tensor, all of them where the file leaves zeros out; None where it is computed."""
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0:
        return None
    dtype = _dtypes().get(tensor.type)
    if dtype is None:
        return None
    values = np.frombuffer(bytes(bytearray(data)), dtype=dtype)
    return values.reshape(shape(tensor)) if tensor.sparsity is None else expand(tensor.sparsity, values, shape(tensor))


def add_constant(model: Any, subgraph: Any, name: str, values: Any) -> int:
    """Store an int32 or float32 array as a new constant tensor; returns its index."""
    array = np.ascontiguousarray(values)
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(array.tobytes(), dtype=np.uint8)
    model.buffers.append(buffer)
    kind = {np.dtype("int32"): schema().TensorType.INT32, np.dtype("float32"): schema().TensorType.FLOAT32}[array.dtype]
    return add_tensor(subgraph, name, array.shape, kind, len(model.buffers) - 1)


def add_tensor(subgraph: Any, name: str, size: Sequence[int], kind: int, buffer: int = 0) -> int:
    """Add a tensor without quantization; returns its index. Buffer 0 is the empty one."""
    tensor = schema().TensorT()
    tensor.name, tensor.type, tensor.buffer = name, kind, buffer
    tensor.shape = np.array(size, dtype=np.int32)
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def drop_tensors(model: Any, indices: Collection[int]) -> None:
    """Remove tensors that nothing uses any more from a model of one graph, and count the others anew."""
    graph = model.subgraphs[0]
    kept = [i for i in range(len(graph.tensors)) if i not in indices]
    places = {old: new for new, old in enumerate(kept)} | {-1: -1}
    graph.tensors = [graph.tensors[i] for i in kept]
    for holder in (graph, *graph.operators):
        holder.inputs = np.array([places[i] for i in wired(holder.inputs)], dtype=np.int32)
        holder.outputs = np.array([places[i] for i in wired(holder.outputs)], dtype=np.int32)
    for signature in model.signatureDefs or []:
        for entry in (*signature.inputs, *signature.outputs):
            entry.tensorIndex = places[int(entry.tensorIndex)]


def add_code(model: Any, name: str, version: int = 1) -> int:
    """Index of the operator code for a builtin, added where the model has none."""
    number = getattr(schema().BuiltinOperator, name)
    for index, code in enumerate(model.operatorCodes):
        if max(int(code.builtinCode), int(code.deprecatedBuiltinCode)) == number:
            return index
    code = schema().OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def add_operator(model: Any, subgraph: Any, name: str, inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    """Append a builtin without options at the end of the subgraph; returns it, so that options can be set."""
    operator = schema().OperatorT()
    operator.opcodeIndex = add_code(model, name)
    operator.inputs, operator.outputs = np.array(inputs, dtype=np.int32), np.array(outputs, dtype=np.int32)
    subgraph.operators.append(operator)
    return operator


@cache
def _dtypes() -> dict[int, Any]:
    kinds = schema().TensorType
    names = ("float32", "float16", "int32", "uint8", "int64", "bool", "int16", "int8", "uint32", "uint16", "float64")
    return {getattr(kinds, n.upper()): np.dtype(n) for n in names if hasattr(kinds, n.upper())}
