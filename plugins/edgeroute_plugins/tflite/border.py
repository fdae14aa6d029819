"""Names and order of a model's inputs and outputs, which converters change and applications rely on. Needs what `editing` needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeroute_plugins.tflite import editing


def border_names(model: Any) -> tuple[list[str], list[str]]:
    """Names of the graph's inputs and of its outputs, in order."""
    graph = model.subgraphs[0]
    return [_name(graph, i) for i in graph.inputs], [_name(graph, i) for i in graph.outputs]


def restore_names(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Call inputs and outputs, by position, what they were called; an inner tensor of that name steps aside."""
    graph = model.subgraphs[0]
    wanted = dict(zip(graph.inputs, inputs, strict=True)) | dict(zip(graph.outputs, outputs, strict=True))
    taken = set(wanted.values())
    for index, tensor in enumerate(graph.tensors):
        if index not in wanted and editing.text(tensor.name) in taken:
            tensor.name = f"{editing.text(tensor.name)}_inner"
    for index, name in wanted.items():
        graph.tensors[index].name = name


def order_signatures(model: Any) -> None:
    """List the signatures' arguments in the graph's order: some writers sort them by name."""
    graph = model.subgraphs[0]
    places = {int(index): place for place, index in enumerate((*graph.inputs, *graph.outputs))}
    for signature in model.signatureDefs or []:
        if not signature.subgraphIndex:
            for entries in (signature.inputs, signature.outputs):
                entries.sort(key=lambda entry: places.get(int(entry.tensorIndex), len(places)))


def sign(model: Any) -> int:
    """Add a signature over the whole graph where the file has none; arguments are called like the tensors. Returns how many were added."""
    if model.signatureDefs:
        return 0
    graph = model.subgraphs[0]
    signature = editing.schema().SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [_argument(graph, i) for i in graph.inputs]
    signature.outputs = [_argument(graph, i) for i in graph.outputs]
    model.signatureDefs = [signature]
    return 1


def _argument(graph: Any, index: int) -> Any:
    argument = editing.schema().TensorMapT()
    argument.name, argument.tensorIndex = _name(graph, index), int(index)
    return argument


def _name(graph: Any, index: int) -> str:
    return editing.text(graph.tensors[index].name)


def pictures(model: Any) -> list[Any]:
    """The input that can be a picture [1, H, W, 1|3|4], where there is exactly one input."""
    graph = model.subgraphs[0]
    tensors = [graph.tensors[i] for i in graph.inputs]
    return [t for t in tensors if len(t.shape) == 4 and int(t.shape[3]) in (1, 3, 4)] if len(tensors) == 1 else []
