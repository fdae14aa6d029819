"""Puts right what onnx2tf leaves in a float `.tflite`: names and order of the border, open dimensions, dropped last transpositions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.onnx2tf.borders import Border, Scratch, permutation
from edgeroute_plugins.onnx2tf.transposes import sink_transposes
from edgeroute_plugins.tflite import border, editing
from edgeroute_plugins.tflite.fusion import fuse_activations


def finish(tflite: Path, out: Path, scratch: Scratch) -> dict[str, Any]:
    """Write `tflite` to `out` with the ONNX file's names, in its order, every shape static; returns notes for the report."""
    model = editing.load(tflite)
    refuse_custom(model)
    graph = model.subgraphs[0]
    name_by_signature(model)
    name_by_position(graph, scratch.outputs)
    graph.inputs = _ordered(graph, graph.inputs, scratch.inputs)
    graph.outputs = _ordered(graph, graph.outputs, scratch.outputs)
    notes: dict[str, Any] = {}
    opened = close_dimensions(model, tflite)
    notes |= {"closed_dimensions": opened} if opened else {}
    removed = sink_transposes(model)
    notes |= {"removed_transpositions": removed} if removed else {}
    fused = fuse_activations(model)
    notes |= {"fused_activations": fused} if fused else {}
    restored = restore_outputs(model, scratch.outputs)
    notes |= {"restored_transpositions": restored} if restored else {}
    rename_border(model, {b.alias: b.name for b in (*scratch.inputs, *scratch.outputs)})
    border.sign(model)
    border.order_signatures(model)
    notes["inputs"] = {b.name: _described(graph, i) for b, i in zip(scratch.inputs, graph.inputs, strict=True)}
    notes["outputs"] = {b.name: _described(graph, i) for b, i in zip(scratch.outputs, graph.outputs, strict=True)}
    editing.save(model, out)
    return notes


def refuse_custom(model: Any) -> None:
    """Raise ConverterFailed for operators that the tool wrote as custom ones, TensorFlow's own (Flex…) among them: no device runs them."""
    custom = sorted({editing.text(c.customCode) for c in model.operatorCodes if c.customCode})
    if custom:
        flex = all(name.startswith("Flex") for name in custom)
        raise ConverterFailed(
            f"{', '.join(custom)} {'exists only in full TensorFlow' if flex else 'has no counterpart in TFLite'}",
            where="onnx2tf",
            remedy="spell it in plain layers when exporting, or cut the model before it: the application does that part",
            code="flex-operator" if flex else "custom-operator",
        )


def close_dimensions(model: Any, tflite: Path) -> int:
    """Write the shapes that the interpreter computes wherever the file leaves a dimension open; returns how many tensors had one."""
    tensors = model.subgraphs[0].tensors
    open_ones = [i for i, t in enumerate(tensors) if t.shapeSignature is not None and any(int(d) < 0 for d in t.shapeSignature)]
    if open_ones:
        actual = actual_shapes(tflite)
        for index in open_ones:
            tensors[index].shape = np.array(actual[index], dtype=np.int32)
    for tensor in tensors:
        tensor.shapeSignature = None
    return len(open_ones)


def actual_shapes(tflite: Path) -> dict[int, tuple[int, ...]]:
    """Shape of every tensor after one inference on zeros, by index."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(tflite), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, experimental_preserve_all_tensors=True
    )
    interpreter.allocate_tensors()
    interpreter.invoke()
    return {int(d["index"]): tuple(int(n) for n in d["shape"]) for d in interpreter.get_tensor_details()}


def restore_outputs(model: Any, outputs: Sequence[Border]) -> list[str]:
    """Append the transposition of every output that is no image and came out with its axes exchanged; returns their names.

    onnx2tf drops a graph's last transposition, also where it belongs to the model: a detector's [1, N, 6] becomes [1, 6, N].
    """
    graph = model.subgraphs[0]
    restored = []
    for position, output in enumerate(outputs):
        index = int(graph.outputs[position])
        got = editing.shape(graph.tensors[index])
        order = permutation(got, output.shape)
        if order is not None:
            graph.outputs[position] = transpose(model, index, order, output.alias)
            restored.append(output.name)
    return restored


def transpose(model: Any, index: int, order: Sequence[int], name: str) -> int:
    """Append a TRANSPOSE of a tensor under the given name; returns the new tensor's index."""
    graph = model.subgraphs[0]
    tensor = graph.tensors[index]
    size = [editing.shape(tensor)[i] for i in order]
    tensor.name = f"{name}_before_transposition"
    axes = editing.add_constant(model, graph, f"{name}_axes", np.array(order, dtype=np.int32))
    result = editing.add_tensor(graph, name, size, tensor.type)
    operator = editing.add_operator(model, graph, "TRANSPOSE", [index, axes], [result])
    operator.builtinOptionsType = editing.schema().BuiltinOptions.TransposeOptions
    operator.builtinOptions = editing.schema().TransposeOptionsT()
    for signature in model.signatureDefs or []:
        for entry in signature.outputs:
            entry.tensorIndex = result if entry.tensorIndex == index else entry.tensorIndex
    return result


def name_by_signature(model: Any) -> None:
    """Call the graph's inputs and outputs as its signature does: TensorFlow's converter names the tensors after its own functions."""
    for signature in (model.signatureDefs or [])[:1]:
        for entry in (*signature.inputs, *signature.outputs):
            model.subgraphs[0].tensors[entry.tensorIndex].name = editing.text(entry.name)


def name_by_position(graph: Any, outputs: Sequence[Border]) -> None:
    """Name outputs that TensorFlow's converter called Identity, Identity_1, …: these count the outputs of the function."""
    names = {i: editing.text(graph.tensors[i].name) for i in graph.outputs}
    numbers = {i: re.fullmatch(r"(?:StatefulPartitionedCall|PartitionedCall|Identity)(?:[_:](\d+))?", n) for i, n in names.items()}
    if len(numbers) == len(outputs) and all(numbers.values()):
        for index, match in numbers.items():
            position = int(match[1] or 0) if match else 0
            if position < len(outputs):
                graph.tensors[index].name = outputs[position].alias


def rename_border(model: Any, names: Mapping[str, str]) -> None:
    """Give inputs and outputs, and the signature's arguments, the names of the ONNX file."""
    graph = model.subgraphs[0]
    for index in (*graph.inputs, *graph.outputs):
        alias = editing.text(graph.tensors[index].name)
        graph.tensors[index].name = names.get(alias, alias)
    for signature in model.signatureDefs or []:
        for entry in (*signature.inputs, *signature.outputs):
            entry.name = names.get(editing.text(entry.name), editing.text(entry.name))


def _ordered(graph: Any, indices: Sequence[int], borders: Sequence[Border]) -> Any:
    by_name = {editing.text(graph.tensors[i].name): int(i) for i in indices}
    missing = [b.name for b in borders if b.alias not in by_name]
    if missing or len(by_name) != len(borders):
        raise ConverterFailed(
            f"onnx2tf lost or merged inputs or outputs: {', '.join(missing) or ', '.join(by_name)}",
            where="onnx2tf",
            remedy="remove unused inputs and duplicate outputs from the model, or take another road: --avoid onnx2tf",
            code="onnx2tf-border",
        )
    return np.array([by_name[b.alias] for b in borders], dtype=np.int32)


def _described(graph: Any, index: int) -> dict[str, Any]:
    tensor = graph.tensors[index]
    return {"tensor": editing.text(tensor.name), "shape": list(editing.shape(tensor))}
