"""A small mutable view of an ONNX graph, for surgery.

Constants live beside the nodes as NumPy arrays, so that a pass can read and replace weights without touching protobufs.
Names keep their meaning: a tensor that leaves the graph is never renamed.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper, shape_inference, version_converter

from edgeroute.errors import SourceError

Node: TypeAlias = Any
"""`onnx.NodeProto`."""
Array: TypeAlias = Any
"""`numpy.ndarray`."""

OPSET = 15
"""Files below opset 13 are raised to this one: Clip, Pad, Slice and Split then carry their settings as inputs."""


@dataclass
class Graph:
    """Nodes in topological order, constants by name, and lookups that follow every change."""

    proto: onnx.ModelProto
    nodes: list[Node]
    constants: dict[str, Array]
    fresh: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    @property
    def input_names(self) -> list[str]:
        return [i.name for i in self.proto.graph.input]

    @property
    def input_types(self) -> dict[str, str]:
        """Input name → NumPy's name of its type."""
        kinds = {i.name: i.type.tensor_type.elem_type for i in self.proto.graph.input}
        return {name: helper.tensor_dtype_to_np_dtype(kind).name for name, kind in kinds.items()}

    @property
    def output_names(self) -> list[str]:
        return [o.name for o in self.proto.graph.output]

    @cached_property
    def producers(self) -> dict[str, Node]:
        return {name: node for node in self.nodes for name in node.output if name}

    @cached_property
    def consumers(self) -> dict[str, list[Node]]:
        """Tensor → nodes that read it, once per operand; subgraphs count through `captured`."""
        found: dict[str, list[Node]] = collections.defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                if name:
                    found[name].append(node)
        return found

    @cached_property
    def captured(self) -> frozenset[str]:
        """Names that If, Loop or Scan bodies may read: left alone by every pass."""
        bodies = [a.g for n in self.nodes for a in n.attribute if a.type == onnx.AttributeProto.GRAPH]
        return frozenset(name for body in bodies for node in body.node for name in node.input)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Inferred static shapes; a tensor of unknown shape is missing."""
        inferred = shape_inference.infer_shapes(self.to_proto(light=True)).graph
        found = {name: tuple(value.shape) for name, value in self.constants.items()}
        for info in [*inferred.input, *inferred.value_info, *inferred.output]:
            dims = [d.dim_value for d in info.type.tensor_type.shape.dim]
            if info.type.tensor_type.HasField("shape") and all(d > 0 for d in dims):
                found[info.name] = tuple(dims)
        return found

    def changed(self) -> None:
        """Forget the lookups: to be called after nodes were edited in place."""
        for name in ("producers", "consumers", "captured", "shapes"):
            self.__dict__.pop(name, None)

    def producer(self, name: str) -> Node:
        """The node that computes a tensor, or None."""
        return self.producers.get(name)

    def only_consumer(self, name: str) -> Node:
        """The one node that reads a tensor, or None when others do or it leaves the graph."""
        readers = self.consumers.get(name, [])
        if len(readers) != 1 or self.leaves(name):
            return None
        return readers[0]

    def leaves(self, name: str) -> bool:
        """Whether somebody outside of the nodes sees this tensor."""
        return name in self.output_names or name in self.captured

    def constant(self, name: str) -> Array | None:
        return self.constants.get(name)

    def name(self, stem: str) -> str:
        """A tensor name that nothing uses yet."""
        taken = {*self.constants, *self.producers, *self.input_names}
        return next(n for n in (f"{stem}_{i}" for i in self.fresh) if n not in taken)

    def add_constant(self, stem: str, value: Array) -> str:
        name = self.name(stem)
        self.constants[name] = np.asarray(value)
        self.changed()
        return name

    def set_constant(self, node: Node, index: int, value: Array) -> None:
        """Give a node its own value for one operand; other readers of a shared constant keep theirs."""
        stem = node.input[index] if index < len(node.input) and node.input[index] else (node.name or node.op_type)
        while len(node.input) <= index:
            node.input.append("")
        if node.input[index] in self.constants and len(self.consumers[node.input[index]]) == 1:
            self.constants[node.input[index]] = np.asarray(value)
        else:
            node.input[index] = self.add_constant(stem, value)
        self.changed()

    def insert(self, node: Node, *, after: str = "", before: Node | None = None) -> None:
        """Put a node where its operands exist: behind the producer of `after`, or in front of `before`."""
        if before is not None:
            position = self._index(before)
        else:
            producer = self.producer(after)
            position = 0 if producer is None else self._index(producer) + 1
        self.nodes.insert(position, node)
        self.changed()

    def remove(self, node: Node) -> None:
        del self.nodes[self._index(node)]
        self.changed()

    def bypass(self, node: Node, name: str) -> bool:
        """Remove a node with one output by letting its readers read `name`; False when its output must keep its name and cannot."""
        old = node.output[0]
        if not self.leaves(old):
            self.redirect(old, name)
            self.remove(node)
            return True
        producer = self.producer(name)
        if producer is None or self.leaves(name):
            return False
        self.remove(node)
        self.redirect(name, old)
        position = list(producer.output).index(name)
        producer.output[position] = old
        self.changed()
        return True

    def redirect(self, old: str, new: str, *, within: Iterable[Node] | None = None) -> None:
        """Let nodes that read `old` read `new`."""
        for node in list(self.nodes if within is None else within):
            for index, name in enumerate(node.input):
                if name == old:
                    node.input[index] = new
        self.changed()

    def prune(self) -> int:
        """Remove what no output needs; returns how many nodes went."""
        needed = {*self.output_names, *self.captured}
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if any(name in needed for name in node.output):
                needed.update(name for name in node.input if name)
                kept.append(node)
        gone = len(self.nodes) - len(kept)
        self.nodes = kept[::-1]
        self.constants = {n: v for n, v in self.constants.items() if n in needed}
        self.changed()
        return gone

    def to_proto(self, *, light: bool = False) -> onnx.ModelProto:
        """The model; `light` declares weights as inputs instead of copying them, which is enough to infer shapes."""
        model = onnx.ModelProto()
        model.CopyFrom(self.proto)
        model.graph.node.extend(self.nodes)
        for name, value in self.constants.items():
            if light and value.size > 64:
                kind = helper.np_dtype_to_tensor_dtype(value.dtype)
                model.graph.input.append(helper.make_tensor_value_info(name, kind, value.shape))
            else:
                model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return model

    def _index(self, node: Node) -> int:
        return next(i for i, other in enumerate(self.nodes) if other is node)


def load(path: Path, *, raised: bool = True) -> Graph:
    """Read a file into a graph, `raised` to opset 13 at least; raises SourceError when it is not ONNX."""
    try:
        model = onnx.load(str(path))
    except DecodeError as error:
        remedy = "export the model to ONNX again, or check the file with `python -m onnx.checker`"
        raise SourceError(f"not readable as ONNX: {error}", where=str(path), remedy=remedy, code="onnx-unreadable") from error
    return from_proto(model, raised=raised)


def from_proto(model: onnx.ModelProto, *, raised: bool = True) -> Graph:
    """A graph over a copy of a model; Constant nodes become constants, initializers listed as inputs become plain ones."""
    model = _modern(model) if raised else model
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    nodes: list[Node] = []
    for node in model.graph.node:
        value = _constant_value(node)
        if value is None:
            nodes.append(_copy(node))
        else:
            constants[node.output[0]] = value
    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(model)
    inputs = [i for i in model.graph.input if i.name not in constants]
    for part in ("node", "initializer", "value_info", "input"):
        del getattr(skeleton.graph, part)[:]
    skeleton.graph.input.extend(inputs)
    return Graph(skeleton, nodes, constants)


def save(graph: Graph, path: Path) -> None:
    """Write the graph with inferred shapes, checked."""
    graph.prune()
    model = shape_inference.infer_shapes(graph.to_proto())
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def make(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Node:
    """A node named after its first output."""
    return helper.make_node(op, list(inputs), list(outputs), name=f"{op}:{outputs[0]}", **attributes)


def attribute(node: Node, name: str, default: Any = None) -> Any:
    for item in node.attribute:
        if item.name == name:
            return helper.get_attribute_value(item)
    return default


def set_attribute(node: Node, name: str, value: Any) -> None:
    drop_attribute(node, name)
    node.attribute.append(helper.make_attribute(name, value))


def drop_attribute(node: Node, name: str) -> None:
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)


def _modern(model: onnx.ModelProto) -> onnx.ModelProto:
    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), OPSET)
    if version >= 13:
        return model
    raised = onnx.ModelProto()
    raised.CopyFrom(model)
    raised.ir_version = max(model.ir_version, 8)
    try:
        return version_converter.convert_version(raised, OPSET)
    except (version_converter.ConvertError, RuntimeError) as error:
        remedy = f"export the model at opset {OPSET} or later"
        raise SourceError(f"opset {version} cannot be raised to {OPSET}: {error}", remedy=remedy, code="opset-too-old") from error


def _constant_value(node: Node) -> Array | None:
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    for item in node.attribute:
        value = helper.get_attribute_value(item)
        if item.name == "value":
            return numpy_helper.to_array(value)
        if item.name.startswith("value_float"):
            return np.asarray(value, np.float32)
        if item.name.startswith("value_int"):
            return np.asarray(value, np.int64)
    return None


def _copy(node: Node) -> Node:
    duplicate = onnx.NodeProto()
    duplicate.CopyFrom(node)
    return duplicate
