"""The network cut at named tensors, or in front of post-processing that no accelerator runs: the application does the rest."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.prepare.graph import Graph

POST = frozenset({"NonMaxSuppression", "TopK", "ArgMax", "ArgMin", "NonZero", "RoiAlign", "Unique", "Loop", "If", "Scan", "SequenceInsert"})
"""Operators that select rather than compute; everything that depends on them goes with them."""


def cut(graph: Graph, names: Iterable[str] = ()) -> list[str]:
    """End the graph at these tensors, or else in front of the post-processing; returns the new outputs' names.

    Raises ConverterFailed when a name is unknown or not a float tensor of known shape, or when nothing was named and nothing found.
    """
    chosen = list(names) or find_cut(graph)
    if not chosen:
        raise ConverterFailed(
            "nothing to cut: no non-maximum suppression or the like in this network",
            where="cut",
            remedy="name the tensors to end at: --set cut.at=NAME,NAME; a viewer such as Netron shows them",
            code="cut-nothing",
        )
    infos = [_info(graph, name) for name in chosen]
    del graph.proto.graph.output[:]
    graph.proto.graph.output.extend(infos)
    graph.changed()
    graph.prune()
    return chosen


def find_cut(graph: Graph) -> list[str]:
    """Float tensors that reach post-processing and stem from the network, and outputs untouched by it; none where there is no such thing."""
    tainted: set[str] = set()
    for node in graph.nodes:
        if node.op_type in POST or any(n in tainted for n in node.input):
            tainted.update(node.output)
    if not tainted:
        return []
    found = [o for o in graph.output_names if o not in tainted]
    for node in graph.nodes:
        if not any(o in tainted for o in node.output):
            continue
        found += [n for n in node.input if n and n not in tainted and n not in graph.constants and n not in found]
    return [n for n in found if _is_network(graph, n)]


def _is_network(graph: Graph, name: str) -> bool:
    """Whether a tensor is computed, of static shape and not just an input."""
    return name in graph.shapes and graph.producer(name) is not None


def _info(graph: Graph, name: str) -> onnx.ValueInfoProto:
    known = next((o for o in graph.proto.graph.output if o.name == name), None)
    if known is not None:
        return known
    if graph.producer(name) is None or name not in graph.shapes:
        raise ConverterFailed(
            f"{name!r} is no tensor that this network computes in a static shape",
            where="cut",
            remedy="take a name from the network's nodes: a viewer such as Netron shows them",
            code="cut-unknown",
        )
    inferred = onnx.shape_inference.infer_shapes(graph.to_proto(light=True)).graph
    kind = next(v.type.tensor_type.elem_type for v in inferred.value_info if v.name == name)
    return onnx.helper.make_tensor_value_info(name, kind, graph.shapes[name])
