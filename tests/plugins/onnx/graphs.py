"""Small ONNX files, written field by field."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from tests.plugins.wire_writer import Field, message, packed

FLOAT, INT64 = 1, 7


def value(name: str, shape: Sequence[int | str | None] | None = (1, 3, 8, 8), dtype: int = FLOAT) -> bytes:
    """A ValueInfoProto: text is an open dimension's name, None one without a name, shape None an unknown rank."""
    dims = [message((1, d)) if isinstance(d, int) else message((2, d)) if d else b"" for d in shape or ()]
    shaped: list[Field] = [] if shape is None else [(2, message(*[(1, d) for d in dims]))]
    return message((1, name), (2, message((1, message((1, dtype), *shaped)))))


def tensor(name: str, shape: Sequence[int], *, dtype: int = FLOAT, external: Mapping[str, str] | None = None) -> bytes:
    """A TensorProto of zeros, or one whose numbers stand in another file."""
    fields: list[Field] = [(1, packed(shape)), (2, dtype), (8, name)]
    if external is None:
        count = 1
        for size in shape:
            count *= size
        return message(*fields, (9, b"\0" * count * (8 if dtype == INT64 else 4)))
    entries: list[Field] = [(13, message((1, key), (2, content))) for key, content in external.items()]
    return message(*fields, *entries, (14, 1))


def attribute(name: str, content: int | float | str | bytes | Sequence[int], *, field: int = 0) -> bytes:
    """An AttributeProto; `field` 5 makes bytes a tensor, 6 a graph."""
    if field:
        return message((1, name), (field, content))  # type: ignore[arg-type]
    if isinstance(content, float):
        return message((1, name), (2, content), (20, 1))
    if isinstance(content, int):
        return message((1, name), (3, content), (20, 2))
    if isinstance(content, (str, bytes)):
        return message((1, name), (4, content), (20, 3))
    return message((1, name), *[(8, n) for n in content], (20, 7))


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], *attributes: bytes, name: str = "", domain: str = "") -> bytes:
    fields: list[Field] = [(1, i) for i in inputs] + [(2, o) for o in outputs]
    return message(*fields, (3, name), (4, op), *[(5, a) for a in attributes], (7, domain))


def graph(
    nodes: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    initializers: Sequence[bytes] = (),
    values: Sequence[bytes] = (),
) -> bytes:
    groups = {1: nodes, 5: initializers, 11: inputs, 12: outputs, 13: values}
    return message((2, "main"), *[(number, item) for number, items in groups.items() for item in items])


def model(
    content: bytes, *, opset: int = 17, ir: int = 8, functions: Sequence[bytes] = (), domains: Mapping[str, int] | None = None
) -> bytes:
    opsets = {"": opset, **(domains or {})}
    return message(
        (1, ir),
        (2, "test"),
        (3, "1.0"),
        (7, content),
        *[(8, message((1, domain), (2, version))) for domain, version in opsets.items()],
        *[(25, f) for f in functions],
    )


def convolution(*, batch: int | str = 1, external: Mapping[str, str] | None = None) -> bytes:
    """image → Conv → Relu → Flatten → Gemm → scores, with all shapes stated; the convolution's weights may stand elsewhere."""
    nodes = [
        node("Conv", ["image", "w", "b"], ["c"], attribute("pads", [1, 1, 1, 1]), name="stem"),
        node("Relu", ["c"], ["r"]),
        node("Flatten", ["r"], ["f"]),
        node("Gemm", ["f", "g", ""], ["scores"], attribute("alpha", 1.0)),
    ]
    stored = [tensor("w", (4, 3, 3, 3), external=external), tensor("b", (4,)), tensor("g", (256, 5))]
    values = [value("c", (batch, 4, 8, 8)), value("f", (batch, 256))]
    inputs = [value("image", (batch, 3, 8, 8)), value("w", (4, 3, 3, 3))]
    return model(graph(nodes, inputs, [value("scores", (batch, 5))], stored, values))


def zeros(count: int) -> bytes:
    return struct.pack(f"<{count}f", *[0.0] * count)
