"""TensorFlow's files: SavedModel folders with their signatures, and frozen GraphDefs. Field numbers are those of TensorFlow's protos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Json, Recognition, Tensor
from edgeroute_plugins.layout import guess_layout
from edgeroute_plugins.sources.mapped import mapped
from edgeroute_plugins.wire import Damaged, Message, Value, signed, text

DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64", 9: "int64", 10: "bool",
    14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
}  # fmt: skip
GRAPH_FIELDS = frozenset({1, 2, 3, 4, 5})
"""node, library, version, versions, debug_info."""
HOUSEKEEPING = frozenset({"Const", "NoOp", "Assert", "Placeholder"})
FILE_OPERATORS = frozenset(
    {"ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "PyFuncStateless", "EagerPyFunc", "ShutdownDistributedTPU", "PrintV2"}
)
"""Operators that reach outside the graph when it runs."""


@dataclass
class Graph:
    """Operators with counts, and of the main graph its named ends."""

    operators: Counter[str] = field(default_factory=Counter)
    placeholders: list[Tensor] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    """Name → operator."""
    used: set[str] = field(default_factory=set)
    """Names that another node reads."""

    def ends(self) -> list[str]:
        return [name for name, operator in self.nodes.items() if name not in self.used and operator not in HOUSEKEEPING]


@dataclass
class MetaGraph:
    tags: list[str] = field(default_factory=list)
    version: str = ""
    operators: Counter[str] = field(default_factory=Counter)
    signatures: dict[str, dict[str, list[Tensor]]] = field(default_factory=dict)


def recognize_savedmodel(folder: Path) -> Recognition | None:
    """A folder with `saved_model.pb`; `SourceError` where that or the variables are damaged or missing."""
    path = folder / "saved_model.pb"
    if not path.is_file():
        return None
    try:
        with mapped(path) as view:
            graphs = [_meta_graph(message) for message in _fields(Message(view), 2)]
    except Damaged as error:
        raise _damaged(path, str(error)) from error
    if not graphs:
        raise _damaged(path, "it holds no graph")
    serving = next((g for g in graphs if "serve" in g.tags), graphs[0])
    return Recognition("savedmodel", _savedmodel_facts(folder, serving))


def recognize_graphdef(path: Path) -> Recognition | None:
    """A frozen graph: every top-level field is one of a GraphDef's, every node has a name and an operator."""
    try:
        with mapped(path) as view:
            graph = _graph(Message(view), strict=True)
    except Damaged:
        return None
    if not graph.placeholders or "Const" not in graph.operators:
        return None
    outputs = tuple(Tensor(name, (), "") for name in graph.ends())
    details: dict[str, Json] = {"bytes": path.stat().st_size, "outside": sorted(FILE_OPERATORS & graph.operators.keys())}
    details["dynamic_dims"] = [t.name for t in graph.placeholders if not t.is_static]
    details["unknown_shapes"] = [t.name for t in outputs]
    return Recognition("graphdef", Facts(tuple(graph.placeholders), outputs, dict(graph.operators.most_common()), details))


def _damaged(path: Path, why: str) -> SourceError:
    return SourceError(
        f"this SavedModel is damaged: {why}",
        where=str(path),
        remedy="export the model again (model.export('folder') or tf.saved_model.save) and copy the whole folder",
        code="savedmodel-damaged",
    )


def _savedmodel_facts(folder: Path, graph: MetaGraph) -> Facts:
    """Inputs and outputs of `serving_default`, or of the only signature; none where the user has to choose."""
    real = {name: ends for name, ends in graph.signatures.items() if not name.startswith("__")}
    chosen = "serving_default" if "serving_default" in real else next(iter(real)) if len(real) == 1 else ""
    ends = real.get(chosen, {"inputs": [], "outputs": []})
    inputs, outputs = tuple(ends["inputs"]), tuple(ends["outputs"])
    details: dict[str, Json] = {
        "bytes": (folder / "saved_model.pb").stat().st_size,
        "signature": chosen,
        "signatures": {name: {key: [_row(t) for t in tensors] for key, tensors in ends.items()} for name, ends in sorted(real.items())},
        "tags": graph.tags,
        "tensorflow_version": graph.version,
        "variables": (folder / "variables" / "variables.index").is_file(),
        "outside": sorted(FILE_OPERATORS & graph.operators.keys()),
        "dynamic_dims": [t.name for t in (*inputs, *outputs) if not t.is_static],
    }
    return Facts(inputs, outputs, dict(graph.operators.most_common()), details)


def _row(tensor: Tensor) -> dict[str, Json]:
    return {"name": tensor.name, "shape": list(tensor.shape), "dtype": tensor.dtype}


def _fields(message: Message, wanted: int) -> Iterator[Message]:
    return (message.inner(value) for number, value in message if number == wanted)


def _meta_graph(message: Message) -> MetaGraph:
    found = MetaGraph()
    for number, value in message:
        if number == 1:
            _meta_info(message.inner(value), found)
        elif number == 2:
            found.operators += _graph(message.inner(value)).operators
        elif number == 5:
            name, signature = _entry(message.inner(value))
            found.signatures[name] = {"inputs": [], "outputs": []} if signature is None else _signature(signature)
    return found


def _meta_info(message: Message, found: MetaGraph) -> None:
    for number, value in message:
        if number == 4:
            found.tags.append(text(value))
        elif number == 5:
            found.version = text(value)


def _entry(message: Message) -> tuple[str, Message | None]:
    """A map's entry: key and, as a message, value."""
    key, content = "", None
    for number, value in message:
        if number == 1:
            key = text(value)
        elif number == 2:
            content = message.inner(value)
    return key, content


def _signature(message: Message) -> dict[str, list[Tensor]]:
    ends: dict[int, list[Tensor]] = {1: [], 2: []}
    for number, value in message:
        if number in ends:
            name, info = _entry(message.inner(value))
            if info is not None:
                ends[number].append(_tensor_info(name, info))
    return {"inputs": sorted(ends[1], key=lambda t: t.name), "outputs": sorted(ends[2], key=lambda t: t.name)}


def _tensor_info(name: str, message: Message) -> Tensor:
    dtype = ""
    shape: tuple[int | None, ...] = ()
    for number, value in message:
        if number == 2:
            dtype = _dtype(value)
        elif number == 3:
            shape = _shape(message.inner(value))
    return Tensor(name, shape, dtype, guess_layout(shape))


def _dtype(value: Value) -> str:
    return DTYPES.get(signed(value), f"type-{signed(value)}")


def _shape(message: Message) -> tuple[int | None, ...]:
    """A TensorShapeProto; -1 is an open dimension."""
    sizes: list[int | None] = []
    for dimension in _fields(message, 2):
        size = next((signed(value) for number, value in dimension if number == 1), 0)
        sizes.append(None if size < 0 else size)
    return tuple(sizes)


def _graph(message: Message, strict: bool = False) -> Graph:
    """A GraphDef with the functions of its library; `strict` refuses fields that a GraphDef does not have."""
    graph = Graph()
    for number, value in message:
        if number == 1:
            _node(message.inner(value), graph)
        elif number == 2:
            for function in _fields(message.inner(value), 1):
                graph.operators += Counter(_operator(node)[1] for node in _fields(function, 3))
        elif strict and number not in GRAPH_FIELDS:
            raise Damaged(f"a GraphDef has no field {number}")
    return graph


def _operator(message: Message) -> tuple[str, str]:
    """A NodeDef's name and operator."""
    words = {1: "", 2: ""}
    for number, value in message:
        if number in words:
            words[number] = text(value)
    return words[1], words[2]


def _node(message: Message, graph: Graph) -> None:
    name, operator = _operator(message)
    if not name or not operator:
        raise Damaged("a node has no name or no operator")
    graph.nodes[name] = operator
    graph.operators[operator] += 1
    graph.used.update(text(value).lstrip("^").split(":")[0] for number, value in message if number == 3)
    if operator == "Placeholder":
        graph.placeholders.append(_placeholder(name, message))


def _placeholder(name: str, message: Message) -> Tensor:
    """AttrValue: field 6 is a type, field 7 a shape."""
    dtype = ""
    shape: tuple[int | None, ...] = ()
    for key, content in map(_entry, _fields(message, 5)):
        for number, value in content or ():
            if key == "dtype" and number == 6:
                dtype = _dtype(value)
            elif key == "shape" and number == 7:
                shape = _shape(message.inner(value))
    return Tensor(name, shape, dtype, guess_layout(shape))
