"""Turns the messages of an ONNX file into values. Field numbers are those of onnx.proto, IR version 3 and later."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgeroute_plugins.onnx.proto import DTYPES, Attribute, Dimension, Function, Graph, Initializer, Model, Node, ValueInfo
from edgeroute_plugins.wire import Damaged, Message, Value, float32, raw, signed, text

MOST_IR = 64
DEEPEST = 24
NUMBERS = frozenset({4, 5, 6, 7, 9, 10, 11})
"""Fields of a TensorProto that hold its numbers."""
OTHER_TYPES = {4: "sequence", 5: "map", 7: "opaque", 8: "sparse", 9: "optional"}


def decode_model(message: Message) -> Model:
    ir_version, graph, names = 0, None, ["", ""]
    opsets: dict[str, int] = {}
    functions: list[Function] = []
    metadata: dict[str, str] = {}
    for number, value in message:
        if number == 1:
            ir_version = signed(value)
        elif number in (2, 3):
            names[number - 2] = text(value)
        elif number == 7:
            graph = _graph(message.inner(value), 0)
        elif number == 8:
            domain, version = _opset(message.inner(value))
            opsets[domain] = version
        elif number == 14:
            metadata.update([_pair(message.inner(value))])
        elif number == 25:
            functions.append(_function(message.inner(value)))
    if graph is None or not (graph.nodes or graph.outputs):
        raise Damaged("it holds no graph")
    if not 1 <= ir_version <= MOST_IR or (not opsets and ir_version >= 3):
        raise Damaged(f"its IR version is {ir_version} and it imports {len(opsets)} operator sets")
    return Model(ir_version, " ".join(filter(None, names)), opsets, graph, tuple(functions), metadata)


def _opset(message: Message) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in message:
        if number == 1:
            domain = text(value)
        elif number == 2:
            version = signed(value)
    return domain, version


def _pair(message: Message) -> tuple[str, str]:
    key = content = ""
    for number, value in message:
        if number == 1:
            key = text(value)
        elif number == 2:
            content = text(value)
    return key, content


def _function(message: Message) -> Function:
    name = domain = ""
    nodes: list[Message] = []
    for number, value in message:
        if number == 1:
            name = text(value)
        elif number == 7:
            nodes.append(message.inner(value))
        elif number == 10:
            domain = text(value)
    return Function(name, domain, tuple(_node(index, node, 0) for index, node in enumerate(nodes)))


def _graph(message: Message, depth: int) -> Graph:
    if depth > DEEPEST:
        raise Damaged(f"its graphs are nested deeper than {DEEPEST} levels")
    name = ""
    nodes: list[Node] = []
    values: dict[int, list[ValueInfo]] = {11: [], 12: [], 13: []}
    tensors: list[Initializer] = []
    for number, value in message:
        if number == 1:
            nodes.append(_node(len(nodes), message.inner(value), depth))
        elif number == 2:
            name = text(value)
        elif number == 5:
            tensors.append(_tensor(message.inner(value)))
        elif number == 15:
            tensors.append(_sparse_tensor(message.inner(value)))
        elif number in values:
            values[number].append(_value_info(message.inner(value)))
    stored = {t.name: t for t in tensors}
    known = {v.name: v for group in values.values() for v in group}
    return Graph(name, tuple(nodes), tuple(v for v in values[11] if v.name not in stored), tuple(values[12]), known, stored)


def _node(index: int, message: Message, depth: int) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: list[Attribute] = []
    words = {3: "", 4: "", 7: ""}
    for number, value in message:
        if number in (1, 2):
            (inputs if number == 1 else outputs).append(text(value))
        elif number == 5:
            attributes.append(_attribute(message.inner(value), depth))
        elif number in words:
            words[number] = text(value)
    if not words[4]:
        raise Damaged(f"node {index} has no operator")
    return Node(index, words[4], words[7], words[3], tuple(inputs), tuple(outputs), {a.name: a for a in attributes})


def _attribute(message: Message, depth: int) -> Attribute:
    name, f, i, s = "", 0.0, 0, b""
    lists = _Lists()
    for number, value in message:
        if number == 1:
            name = text(value)
        elif number == 2:
            f = float32(value)
        elif number == 3:
            i = signed(value)
        elif number == 4:
            s = bytes(raw(value))
        else:
            lists.take(number, value, message, depth)
    return Attribute(name, f, i, s, tuple(lists.floats), tuple(lists.ints), tuple(lists.strings), tuple(lists.tensors), tuple(lists.graphs))


@dataclass
class _Lists:
    """The repeated fields of an attribute, and those that hold one tensor or graph."""

    floats: list[float] = field(default_factory=list)
    ints: list[int] = field(default_factory=list)
    strings: list[bytes] = field(default_factory=list)
    tensors: list[Initializer] = field(default_factory=list)
    graphs: list[Graph] = field(default_factory=list)

    def take(self, number: int, value: Value, message: Message, depth: int) -> None:
        if number in (5, 10):
            self.tensors.append(_tensor(message.inner(value)))
        elif number in (6, 11):
            self.graphs.append(_graph(message.inner(value), depth + 1))
        elif number == 7:
            self.floats += message.floats(value)
        elif number == 8:
            self.ints += message.integers(value)
        elif number == 9:
            self.strings.append(bytes(raw(value)))
        elif number == 22:
            self.tensors.append(_sparse_tensor(message.inner(value)))


def _value_info(message: Message) -> ValueInfo:
    name, dtype = "", ""
    shape: tuple[Dimension, ...] | None = None
    for number, value in message:
        if number == 1:
            name = text(value)
        elif number == 2:
            dtype, shape = _type(message.inner(value))
    return ValueInfo(name, dtype, shape)


def _type(message: Message) -> tuple[str, tuple[Dimension, ...] | None]:
    """A TypeProto: field 1 is a tensor, the others have no dtype of NumPy's."""
    for number, value in message:
        if number == 1:
            return _tensor_type(message.inner(value))
        if number in OTHER_TYPES:
            return OTHER_TYPES[number], None
    return "", None


def _tensor_type(message: Message) -> tuple[str, tuple[Dimension, ...] | None]:
    dtype, shape = "", None
    for number, value in message:
        if number == 1:
            dtype = DTYPES.get(signed(value), f"type-{signed(value)}")
        elif number == 2:
            inner = message.inner(value)
            shape = tuple(_dimension(inner.inner(dim)) for kind, dim in inner if kind == 1)
    return dtype, shape


def _dimension(message: Message) -> Dimension:
    for number, value in message:
        if number == 1:
            return signed(value)
        if number == 2:
            return text(value) or None
    return None


def _tensor(message: Message) -> Initializer:
    name, dtype, external, stored, elsewhere = "", "", dict[str, str](), 0, False
    shape: list[int] = []
    for number, value in message:
        if number == 1:
            shape += message.integers(value)
        elif number == 2:
            dtype = DTYPES.get(signed(value), f"type-{signed(value)}")
        elif number == 8:
            name = text(value)
        elif number == 13:
            external.update([_pair(message.inner(value))])
        elif number == 14:
            elsewhere = signed(value) == 1
        elif number in NUMBERS:
            stored += len(value) if isinstance(value, memoryview) else 4
    if not elsewhere:
        return Initializer(name, dtype, tuple(shape), stored=stored)
    length = _decimal(external["length"]) if "length" in external else None
    return Initializer(
        name, dtype, tuple(shape), external.get("location", ""), _decimal(external.get("offset", "0")), length, is_external=True
    )


def _sparse_tensor(message: Message) -> Initializer:
    """Its values' name and storage, with the dense shape."""
    values, shape = Initializer("", "", ()), list[int]()
    for number, value in message:
        if number == 1:
            values = _tensor(message.inner(value))
        elif number == 3:
            shape += message.integers(value)
    return replace(values, shape=tuple(shape))


def _decimal(digits: str) -> int:
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        raise Damaged(f"the place of external data is {digits[:40]!r}, not a number")
    return int(digits)
