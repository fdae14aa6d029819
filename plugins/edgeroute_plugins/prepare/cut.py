"""The network cut at named tensors, or in front of post-processing that no accelerator runs: the application does the rest.

The file is cut as the user knows it, before it is simplified: what follows a selection has no static shape, and names of the
user's own file are those that a viewer shows. Shapes are observed, since inference often ends where a shape is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import onnx

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.onnxslim import execution, pinning
from edgeroute_plugins.prepare.graph import Array, Graph, Node

POST = frozenset({"NonMaxSuppression", "TopK", "ArgMax", "ArgMin", "NonZero", "RoiAlign", "Unique", "Loop", "If", "Scan", "SequenceInsert"})
"""Operators that select rather than compute; everything that depends on them goes with them."""
MEASURES = frozenset({"Shape", "Size"})
"""Operators whose result says nothing of what is in a tensor."""
Observe = Callable[[Sequence[str]], Mapping[str, Sequence[Array]]]
"""Names of tensors → their values in several runs."""


def pin(graph: Graph, input_shapes: Mapping[str, Sequence[int]]) -> None:
    """Write the shapes of the inputs into the graph; raises what `onnxslim` raises where they are not known or do not fit."""
    inside = graph.proto.graph
    pinning.pin(inside, pinning.resolve(pinning.ports(inside), input_shapes))
    graph.changed()


def cut(graph: Graph, names: Iterable[str] = ()) -> list[str]:
    """End the graph at these tensors, or else in front of the post-processing; returns the new outputs' names.

    Its inputs are static. Raises ConverterFailed when a name is unknown or not of fixed shape, or when nothing was named and nothing found.
    """
    wanted = list(names)
    for name in wanted:
        if graph.producer(name) is None:
            raise _unknown(name)
    candidates = wanted or find_cut(graph)
    infos = settled(candidates, _observer(graph), graph.output_names) if candidates else {}
    missing = [name for name in wanted if name not in infos]
    if missing:
        raise _unknown(missing[0])
    if not infos:
        raise ConverterFailed(
            "nothing to cut: no non-maximum suppression or the like in this network",
            where="cut",
            remedy="name the tensors to end at: --set cut.at=NAME,NAME; a viewer such as Netron shows them",
            code="cut-nothing",
        )
    del graph.proto.graph.output[:]
    graph.proto.graph.output.extend(infos.values())
    graph.changed()
    graph.prune()
    return list(infos)


def find_cut(graph: Graph) -> list[str]:
    """Tensors that reach post-processing and stem from the inputs, and outputs untouched by it; none where there is no such thing."""
    tainted: set[str] = set()
    for node in graph.nodes:
        if node.op_type in POST or any(n in tainted for n in reads(node)):
            tainted.update(node.output)
    if not tainted:
        return []
    fed = stemming(graph)
    found = [o for o in graph.output_names if o not in tainted]
    for node in graph.nodes:
        if any(o in tainted for o in node.output):
            found += [n for n in reads(node) if n in fed and n not in tainted and n not in found]
    return [n for n in found if graph.producer(n) is not None]


def stemming(graph: Graph) -> set[str]:
    """Tensors whose numbers depend on the numbers (not on the shapes) of the inputs."""
    fed = set(graph.input_names)
    for node in graph.nodes:
        if node.op_type not in MEASURES and any(n in fed for n in reads(node)):
            fed.update(node.output)
    return fed


def reads(node: Node) -> list[str]:
    """The tensors that a node takes, those that its branches and bodies reach for too."""
    return [n for n in (*node.input, *_captured(node)) if n]


def settled(names: Sequence[str], observe: Observe, outputs: Sequence[str] = ()) -> dict[str, onnx.ValueInfoProto]:
    """Name → its type and shape, for tensors that come in the same shape each time; of floating point, unless they are `outputs` already."""
    seen = observe(names)
    return {
        name: onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(values[0].dtype), values[0].shape)
        for name, values in ((name, seen[name]) for name in names)
        if len({v.shape for v in values}) == 1 and (values[0].dtype.kind == "f" or name in outputs) and values[0].size
    }


def _captured(node: Node) -> Iterator[str]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            inside = attribute.g
            own = {o for n in inside.node for o in n.output} | {i.name for i in (*inside.input, *inside.initializer)}
            yield from (name for n in inside.node for name in reads(n) if name not in own)


def _observer(graph: Graph) -> Observe:
    """Runs of everything that leads to the tensors, on two made-up inputs."""

    def observe(names: Sequence[str]) -> dict[str, list[Array]]:
        model: Any = graph.to_proto()
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        runs = [execution.execute_source(model, seed, "cut") for seed in (1, 2)]
        return {name: [run[name] for run in runs] for name in names}

    return observe


def _unknown(name: str) -> ConverterFailed:
    return ConverterFailed(
        f"{name!r} is no tensor that this network computes in a static shape",
        where="cut",
        remedy="take a name from the network's nodes: a viewer such as Netron shows them",
        code="cut-unknown",
    )
