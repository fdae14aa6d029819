"""Runs in the environment `runtime`: a float and an integer file on the same samples, with the default delegate."""

from __future__ import annotations

from typing import Any

import numpy as np


def sqnr(reference: str, integer: str) -> float:
    from ai_edge_litert.interpreter import Interpreter

    rng = np.random.default_rng(1)
    files = [Interpreter(path) for path in (reference, integer)]
    for file in files:
        file.allocate_tensors()
    shapes = [d["shape"] for d in files[0].get_input_details()]
    signal, noise = 0.0, 0.0
    for _ in range(8):
        arrays = [rng.random(shape, dtype=np.float32) for shape in shapes]
        expected, got = (_run(file, arrays) for file in files)
        for e, g in zip(expected, got, strict=True):
            signal += float((e**2).sum())
            noise += float(((e - g) ** 2).sum())
    return float(10 * np.log10(signal / max(noise, 1e-30)))


def _run(file: Any, arrays: list[Any]) -> list[Any]:
    for detail, array in zip(file.get_input_details(), arrays, strict=True):
        scale, zero = detail["quantization"]
        limits = np.iinfo(detail["dtype"]) if scale else None
        value = np.clip(np.round(array / scale) + zero, limits.min, limits.max) if limits else array
        file.set_tensor(detail["index"], value.astype(detail["dtype"]))
    file.invoke()
    return [_real(file.get_tensor(d["index"]), *d["quantization"]) for d in file.get_output_details()]


def _real(array: Any, scale: float, zero: int) -> Any:
    return (array.astype(np.float64) - zero) * scale if scale else array.astype(np.float64)


def age(source: str, out: str) -> int:
    """Rewrite a float file as old converters wrote it: half-float weights behind DEQUANTIZE, narrow operator codes, no signature."""
    from pathlib import Path

    from edgeroute_plugins.tflite import editing

    model = editing.load(Path(source))
    graph, kinds = model.subgraphs[0], editing.schema().TensorType
    weights = sorted({int(i) for _, o in editing.operators(model, "CONV_2D", "DEPTHWISE_CONV_2D") for i in o.inputs[1:]})
    unpacking = []
    for index in weights:
        tensor = graph.tensors[index]
        buffer = editing.schema().BufferT()
        buffer.data = np.frombuffer(editing.constant(model, tensor).astype(np.float16).tobytes(), dtype=np.uint8)
        model.buffers.append(buffer)
        stored = editing.add_tensor(graph, f"half_{index}", editing.shape(tensor), kinds.FLOAT16, len(model.buffers) - 1)
        tensor.buffer = 0
        unpacking.append(editing.add_operator(model, graph, "DEQUANTIZE", [stored], [index]))
    graph.operators = unpacking + graph.operators[: -len(unpacking)]
    model.signatureDefs = None
    blob = bytes(editing.serialize(_with_narrow_codes(model)))
    Path(out).write_bytes(blob)
    return len(unpacking)


def _with_narrow_codes(model: Any) -> Any:
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0
    return model


def thin(source: str, out: str) -> int:
    """Rewrite a float file as pruning leaves it: of convolutions' weights the larger half, in half floats, behind DENSIFY and DEQUANTIZE."""
    from pathlib import Path

    from edgeroute_plugins.tflite import editing

    model = editing.load(Path(source))
    graph, kinds = model.subgraphs[0], editing.schema().TensorType
    weights = sorted({int(o.inputs[1]) for _, o in editing.operators(model, "CONV_2D", "DEPTHWISE_CONV_2D")})
    unpacking = []
    for index in weights:
        tensor, values = graph.tensors[index], editing.constant(model, graph.tensors[index]).astype(np.float16)
        kept = np.where(np.abs(values) >= np.median(np.abs(values)), values, np.float16(0))
        buffer = editing.schema().BufferT()
        buffer.data = np.frombuffer(kept[kept != 0].tobytes(), dtype=np.uint8)
        model.buffers.append(buffer)
        stored = editing.add_tensor(graph, f"sparse_{index}", kept.shape, kinds.FLOAT16, len(model.buffers) - 1)
        graph.tensors[stored].sparsity = _rows_of(kept)
        half = editing.add_tensor(graph, f"half_{index}", kept.shape, kinds.FLOAT16)
        tensor.buffer = 0
        unpacking.append(editing.add_operator(model, graph, "DENSIFY", [stored], [half]))
        unpacking.append(editing.add_operator(model, graph, "DEQUANTIZE", [half], [index]))
    graph.operators = unpacking + graph.operators[: -len(unpacking)]
    Path(out).write_bytes(bytes(editing.serialize(model)))
    return len(weights)


def _rows_of(values: Any) -> Any:
    """How TFLite describes an array of which only the last dimension lists its indices."""
    from edgeroute_plugins.tflite import editing

    schema = editing.schema()
    described, levels = schema.SparsityParametersT(), [schema.DimensionMetadataT() for _ in values.shape]
    for level, size in zip(levels, values.shape, strict=True):
        level.format, level.denseSize = schema.DimensionType.DENSE, int(size)
    rows = values.reshape(-1, values.shape[-1])
    levels[-1].format, levels[-1].denseSize = schema.DimensionType.SPARSE_CSR, 0
    levels[-1].arraySegmentsType = levels[-1].arrayIndicesType = schema.SparseIndexVector.Int32Vector
    levels[-1].arraySegments, levels[-1].arrayIndices = schema.Int32VectorT(), schema.Int32VectorT()
    levels[-1].arraySegments.values = np.cumsum([0, *(rows != 0).sum(1)]).astype(np.int32)
    levels[-1].arrayIndices.values = np.nonzero(rows)[1].astype(np.int32)
    described.traversalOrder, described.dimMetadata = np.arange(values.ndim, dtype=np.int32), levels
    return described
