"""A part of an ONNX model as a model of its own: for finding the smallest one that a converter fails on. Needs onnx."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx

from edgeroute.errors import SourceError

MOST_BYTES = 2**31 - 1


def part(model: Path, out: Path, keep: Sequence[int]) -> list[str]:
    """Write the operators at these places (in the order of execution, constants not counted); answers all operators of the model by name.

    What they read from others becomes an input, what others (or nobody) read becomes an output. With an empty `keep` nothing is
    written. SourceError where a tensor that would become an input has no known type.
    """
    proto = onnx.load(os.fspath(model))
    nodes = [n for n in proto.graph.node if n.op_type != "Constant"]
    if keep:
        wanted = [nodes[i] for i in sorted(set(keep))]
        onnx.save(_model(proto, wanted), os.fspath(out))
    return [f"{n.op_type} {n.name or n.output[0]}" for n in nodes]


def _model(proto: Any, wanted: Sequence[Any]) -> Any:
    """The model with these operators alone."""
    known = _types(proto)
    constants = {n.output[0]: n for n in proto.graph.node if n.op_type == "Constant"}
    weights = {t.name: t for t in proto.graph.initializer} | {t.values.name: t for t in proto.graph.sparse_initializer}
    made = {o for n in wanted for o in n.output if o}
    read = list(dict.fromkeys(i for n in wanted for i in _reads(n) if i not in made))
    inputs = [i for i in read if i not in constants and i not in weights]
    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    for field in ("node", "input", "output", "initializer", "sparse_initializer", "value_info"):
        whole.graph.ClearField(field)
    whole.graph.node.extend([constants[i] for i in read if i in constants])
    whole.graph.node.extend(wanted)
    whole.graph.initializer.extend([weights[i] for i in read if i in weights and isinstance(weights[i], onnx.TensorProto)])
    whole.graph.sparse_initializer.extend([weights[i] for i in read if i in weights and not isinstance(weights[i], onnx.TensorProto)])
    whole.graph.input.extend([_known(known, i) for i in inputs])
    whole.graph.output.extend([known.get(o) or onnx.ValueInfoProto(name=o) for o in _outputs(proto, wanted, made)])
    whole.graph.value_info.extend([known[o] for o in made if o in known])
    return whole


def _types(proto: Any) -> dict[str, Any]:
    """Name → type and shape of every tensor that is known, after shape inference where that succeeds."""
    if proto.ByteSize() < MOST_BYTES:
        with contextlib.suppress(onnx.shape_inference.InferenceError, ValueError):
            proto = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    graph = proto.graph
    return {v.name: v for v in (*graph.value_info, *graph.output, *graph.input)}


def _known(known: dict[str, Any], name: str) -> Any:
    if name in known:
        return known[name]
    raise SourceError(
        f"the type of {name} is not known, so the operators behind it cannot stand alone",
        where=name,
        remedy="pin the model's shapes first: --via onnxslim",
        code="onnx-part-untyped",
    )


def _outputs(proto: Any, wanted: Sequence[Any], made: Iterable[str]) -> list[str]:
    """What is read outside of the part, or by nobody."""
    ours = {id(n) for n in wanted}
    outside = {i for n in proto.graph.node if id(n) not in ours for i in _reads(n)} | {o.name for o in proto.graph.output}
    inside = {i for n in wanted for i in _reads(n)}
    return [o for n in wanted for o in n.output if o and (o in outside or o not in inside)]


def _reads(node: Any) -> Iterator[str]:
    """What an operator takes, what its subgraphs take from outside included."""
    yield from (i for i in node.input if i)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs) if attribute.type in (5, 10) else ():
            inner = {o for n in graph.node for o in n.output} | {t.name for t in graph.initializer} | {i.name for i in graph.input}
            yield from (i for n in graph.node for i in _reads(n) if i not in inner)
            yield from (o.name for o in graph.output if o.name not in inner)
