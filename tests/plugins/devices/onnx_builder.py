"""Builds small .onnx files byte by byte (protobuf), for rules on the ONNX that Ambarella's toolchain gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Dimension: TypeAlias = int | str
DTYPES = {"float32": 1, "uint8": 2, "int8": 3}


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def whole(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def chunk(field: int, data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def value(name: str, shape: Sequence[Dimension], dtype: str = "float32") -> bytes:
    dims = b"".join(chunk(1, whole(1, d) if isinstance(d, int) else chunk(2, d)) for d in shape)
    return chunk(1, name) + chunk(2, chunk(1, whole(1, DTYPES[dtype]) + chunk(2, dims)))


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    return b"".join(chunk(1, i) for i in inputs) + b"".join(chunk(2, o) for o in outputs) + chunk(4, kind)


def weights(name: str, shape: Sequence[int], location: str = "") -> bytes:
    """An initializer of zeros; with a location its numbers stand in another file."""
    size = 4
    for d in shape:
        size *= d
    head = b"".join(whole(1, d) for d in shape) + whole(2, 1) + chunk(8, name)
    if location:
        return head + chunk(13, chunk(1, "location") + chunk(2, location)) + whole(14, 1)
    return head + chunk(9, bytes(size))


def model(
    shape: Sequence[Dimension] = (1, 3, 64, 64),
    *,
    opset: int = 17,
    name: str = "images",
    output: str = "scores",
    kind: str = "Relu",
    location: str = "",
) -> bytes:
    graph = (
        chunk(1, node("Conv", [name, "w"], ["y"])) + chunk(1, node(kind, ["y"], [output])) + chunk(2, "net") + chunk(5, weights("w", (8, 3, 3, 3), location))
        + chunk(11, value(name, shape)) + chunk(12, value(output, (1, 8, 62, 62)))
    )  # fmt: skip
    return whole(1, 8) + chunk(7, graph) + chunk(8, chunk(1, "") + whole(2, opset))
