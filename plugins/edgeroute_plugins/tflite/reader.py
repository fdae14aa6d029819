"""Reads a `.tflite` file with the standard library alone: nothing is executed, and nothing outside the file is touched.

Field numbers are those of TensorFlow Lite's schema, version 3 (identifier TFL3).
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edgeroute.errors import SourceError
from edgeroute_plugins.tflite.flatbuffer import Buffer, Damaged, Table, Walker
from edgeroute_plugins.tflite.schema import CUSTOM, OptionValue, dtype_name, operator_name, read_options

IDENTIFIER = b"TFL3"
MAPPED_FROM = 1 << 24
"""Files of this many bytes and more are mapped, not read."""
_NOTHING = memoryview(b"")
_T = TypeVar("_T")


@dataclass(frozen=True)
class TensorData:
    """One tensor of a subgraph; `data` is a view into the file, empty where nothing is stored."""

    index: int
    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    """As `shape`, with -1 for an open dimension; empty where the file does not say."""
    dtype: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int = 0
    """The quantized dimension."""
    is_variable: bool = False
    buffer: int = 0
    data: memoryview = field(default=_NOTHING, repr=False, compare=False)
    is_external: bool = False
    """Its values stand in another file."""

    @property
    def has_data(self) -> bool:
        return len(self.data) > 0 or self.is_external

    @property
    def is_constant(self) -> bool:
        return self.has_data and not self.is_variable

    @property
    def is_per_channel(self) -> bool:
        return len(self.scale) > 1

    @property
    def is_dynamic(self) -> bool:
        return any(d < 0 for d in self.shape_signature) or any(d < 0 for d in self.shape)


@dataclass(frozen=True)
class Operator:
    """One operator; inputs and outputs are tensor indices, -1 for an optional input that is absent."""

    index: int
    name: str
    version: int
    custom_code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    custom_options: bytes = field(default=b"", repr=False)

    @property
    def label(self) -> str:
        """The builtin's name, or the custom operator's own."""
        return self.custom_code or self.name if self.name == "CUSTOM" else self.name


@dataclass(frozen=True)
class Subgraph:
    name: str
    tensors: tuple[TensorData, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True)
class Signature:
    """Argument name → tensor index, in the file's order."""

    key: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    subgraph: int = 0


@dataclass(frozen=True)
class Model:
    version: int
    description: str
    metadata: Mapping[str, bytes]
    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class _Code:
    builtin: int
    custom: str
    version: int


def is_tflite(head: bytes) -> bool:
    """Whether a file that starts so calls itself TFLite; eight bytes suffice."""
    return head[4:8] == IDENTIFIER


def read(path: Path) -> Model:
    """The model in a file; `SourceError` on anything that is missing, damaged or hostile."""
    try:
        return _parse(_open(path))
    except OSError as error:
        raise SourceError(
            f"{path.name} cannot be read: {error.strerror or error}",
            where=str(path),
            remedy="check the path and its permissions",
            code="source-unreadable",
        ) from error
    except Damaged as error:
        raise _damaged(str(error), str(path)) from error


def parse(buffer: Buffer) -> Model:
    """The model in these bytes; `SourceError` on anything that is damaged or hostile."""
    try:
        return _parse(buffer)
    except Damaged as error:
        raise _damaged(str(error), "") from error


def _open(path: Path) -> Buffer:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        return file.read() if size < MAPPED_FROM else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _damaged(why: str, where: str) -> SourceError:
    return SourceError(
        f"this TFLite file is damaged: {why}",
        where=where,
        remedy="export or download the model again and compare its size with the original's",
        code="tflite-damaged",
    )


def _parse(buffer: Buffer) -> Model:
    walker = Walker(buffer)
    if walker.size < 8 or not is_tflite(bytes(walker.view[:8])):
        raise Damaged("it does not carry the identifier TFL3" if walker.size else "it is empty")
    root = walker.root()
    buffers = tuple(_buffer(walker, table) for table in root.tables(4))
    codes = tuple(_code(table) for table in root.tables(1))
    subgraphs = tuple(_subgraph(walker, table, buffers, codes) for table in root.tables(2))
    if not subgraphs:
        raise Damaged("it holds no graph")
    return Model(
        version=root.integer(0, "uint32"),
        description=root.text(3),
        metadata={name: data for table in root.tables(6) for name, data in [_metadata(walker, table, buffers)]},
        subgraphs=subgraphs,
        signatures=tuple(_signature(table, subgraphs) for table in root.tables(7)),
    )


def _buffer(walker: Walker, table: Table) -> memoryview:
    """A buffer's bytes: inside the table, or (files beyond 2 GB) at an offset from the file's start."""
    offset, size = table.integer(1, "uint64"), table.integer(2, "uint64")
    return walker.span(offset, size) if offset > 1 else table.raw(0)


def _code(table: Table) -> _Code:
    """Old files keep the operator's number in a byte (slot 0), newer ones in slot 3: the larger one counts."""
    builtin = max(table.integer(0, "int8"), table.integer(3, "int32"))
    return _Code(builtin, table.text(1), table.integer(2, "int32", 1))


def _pick(items: Sequence[_T], index: int, what: str) -> _T:
    if not 0 <= index < len(items):
        raise Damaged(f"{what} {index} does not exist (there are {len(items)})")
    return items[index]


def _subgraph(walker: Walker, table: Table, buffers: Sequence[memoryview], codes: Sequence[_Code]) -> Subgraph:
    tensors = tuple(_tensor(index, entry, buffers) for index, entry in enumerate(table.tables(0)))
    operators = tuple(_operator(walker, index, entry, codes) for index, entry in enumerate(table.tables(3)))
    inputs, outputs = table.integers(1), table.integers(2)
    for index in (*inputs, *outputs):
        _pick(tensors, index, "tensor")
    for operator in operators:
        for index in (*operator.inputs, *operator.outputs):
            if index != -1:
                _pick(tensors, index, "tensor")
    return Subgraph(table.text(4), tensors, inputs, outputs, operators)


def _tensor(index: int, table: Table, buffers: Sequence[memoryview]) -> TensorData:
    buffer, quantization = table.integer(2, "uint32"), table.table(4)
    return TensorData(
        index=index,
        name=table.text(3),
        shape=table.integers(0),
        shape_signature=table.integers(7),
        dtype=dtype_name(table.integer(1, "int8")),
        scale=quantization.floats(2) if quantization else (),
        zero_point=quantization.integers(3, "int64") if quantization else (),
        axis=quantization.integer(6) if quantization else 0,
        is_variable=bool(table.integer(5, "bool")),
        buffer=buffer,
        data=_pick(buffers, buffer, "buffer") if buffer else _NOTHING,
        is_external=table.integer(10, "uint32") > 0,
    )


def _operator(walker: Walker, index: int, table: Table, codes: Sequence[_Code]) -> Operator:
    code = _pick(codes, table.integer(0, "uint32"), "operator code")
    kind, kind2 = table.integer(3, "uint8"), table.integer(11, "uint8")
    options = read_options(table.table(4), "BuiltinOptions", kind) if kind else read_options(table.table(12), "BuiltinOptions2", kind2)
    return Operator(
        index=index,
        name=operator_name(code.builtin),
        version=code.version,
        custom_code=code.custom if code.builtin == CUSTOM else "",
        inputs=table.integers(1),
        outputs=table.integers(2),
        options=options,
        custom_options=_custom_options(walker, table),
    )


def _custom_options(walker: Walker, table: Table) -> bytes:
    """Inside the table, or (files beyond 2 GB) at an offset from the file's start."""
    offset, size = table.integer(9, "uint64"), table.integer(10, "uint64")
    return _copy(walker, walker.span(offset, size) if offset > 1 else table.raw(5))


def _metadata(walker: Walker, table: Table, buffers: Sequence[memoryview]) -> tuple[str, bytes]:
    return table.text(0), _copy(walker, _pick(buffers, table.integer(1, "uint32"), "buffer"))


def _copy(walker: Walker, raw: memoryview) -> bytes:
    walker.spend(len(raw) // 64)
    return bytes(raw)


def _signature(table: Table, subgraphs: Sequence[Subgraph]) -> Signature:
    subgraph = table.integer(4, "uint32")
    tensors = _pick(subgraphs, subgraph, "subgraph").tensors
    inputs, outputs = (_arguments(table, slot, tensors) for slot in (0, 1))
    return Signature(table.text(2), inputs, outputs, subgraph)


def _arguments(table: Table, slot: int, tensors: Sequence[TensorData]) -> dict[str, int]:
    arguments = {entry.text(0): entry.integer(1, "uint32") for entry in table.tables(slot)}
    for index in arguments.values():
        _pick(tensors, index, "tensor")
    return arguments
