"""What an ONNX file holds, as values: the nouns of onnx.proto without the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Dimension: TypeAlias = int | str | None
"""A size, the name of an open dimension, or None for one without a name."""
DTYPES = dict(
    enumerate(
        [
            "undefined",
            "float32",
            "uint8",
            "int8",
            "uint16",
            "int16",
            "int32",
            "int64",
            "string",
            "bool",
            "float16",
            "float64",
            "uint32",
            "uint64",
            "complex64",
            "complex128",
            "bfloat16",
            "float8_e4m3fn",
            "float8_e4m3fnuz",
            "float8_e5m2",
            "float8_e5m2fnuz",
            "uint4",
            "int4",
            "float4_e2m1",
            "float8_e8m0",
            "uint2",
            "int2",
        ]
    )
)


@dataclass(frozen=True)
class ValueInfo:
    """A named value: its dtype (NumPy's name, or sequence, map, optional, sparse), and its shape where the file tells."""

    name: str
    dtype: str = ""
    shape: tuple[Dimension, ...] | None = None


@dataclass(frozen=True)
class Initializer:
    """A stored tensor; its numbers stand in the file or, where `is_external`, in another one at `location`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    location: str = ""
    offset: int = 0
    length: int | None = None
    """In bytes; None means to the end of the external file."""
    stored: int = 0
    """How many bytes of numbers are inside this file."""
    is_external: bool = False


@dataclass(frozen=True)
class Attribute:
    """One attribute of a node; only the field that its type names is filled."""

    name: str
    f: float = 0.0
    i: int = 0
    s: bytes = b""
    floats: tuple[float, ...] = ()
    ints: tuple[int, ...] = ()
    strings: tuple[bytes, ...] = ()
    tensors: tuple[Initializer, ...] = ()
    graphs: tuple[Graph, ...] = ()


@dataclass(frozen=True)
class Node:
    index: int
    op_type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    """Empty text for an optional input that is absent."""
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The operator's name, with its domain where that is not ONNX's own."""
        return self.op_type if self.domain in ("", "ai.onnx") else f"{self.domain}.{self.op_type}"


@dataclass(frozen=True)
class Graph:
    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[ValueInfo, ...]
    """Without those that are initializers."""
    outputs: tuple[ValueInfo, ...]
    values: Mapping[str, ValueInfo]
    initializers: Mapping[str, Initializer]

    def walk(self) -> Iterator[Graph]:
        """This graph and every subgraph inside it."""
        yield self
        for node in self.nodes:
            for attribute in node.attributes.values():
                for graph in attribute.graphs:
                    yield from graph.walk()


@dataclass(frozen=True)
class Function:
    name: str
    domain: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Model:
    ir_version: int
    producer: str
    opsets: Mapping[str, int]
    """Domain (empty for ONNX's own) → version."""
    graph: Graph
    functions: tuple[Function, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators; 0 where the model uses none."""
        return self.opsets.get("", self.opsets.get("ai.onnx", 0))

    def tensors(self) -> Iterator[Initializer]:
        """Every stored tensor: initializers and attributes, subgraphs and functions included."""
        for graph in self.graph.walk():
            yield from graph.initializers.values()
            yield from _attribute_tensors(graph.nodes)
        for function in self.functions:
            yield from _attribute_tensors(function.nodes)


def _attribute_tensors(nodes: Sequence[Node]) -> Iterator[Initializer]:
    return (tensor for node in nodes for attribute in node.attributes.values() for tensor in attribute.tensors)
