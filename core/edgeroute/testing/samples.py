"""Tiny models to convert, written without any library."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

SIDE, CHANNELS, CLASSES = 16, 3, 4
FLOAT, INT64 = 1, 7
IR_VERSION, OPSET = 8, 13


def onnx(folder: Path) -> Path:
    """`tiny.onnx`: image [1, 3, 16, 16] → convolution, ReLU, global average, matrix product → scores [1, 4]; float32, opset 13, seeded."""
    place = folder / "tiny.onnx"
    place.write_bytes(onnx_bytes())
    return place


def onnx_bytes(batch: int = 1) -> bytes:
    """The bytes of that model; a batch of 0 leaves it open."""
    numbers = random.Random(7)
    kernel = _tensor("kernel", (8, CHANNELS, 3, 3), [numbers.gauss(0, 0.4) for _ in range(8 * CHANNELS * 9)])
    bias = _tensor("bias", (8,), [numbers.gauss(0, 0.1) for _ in range(8)])
    weights = _tensor("weights", (CLASSES, 8), [numbers.gauss(0, 1.0) for _ in range(CLASSES * 8)])
    shift = _tensor("shift", (CLASSES,), [numbers.gauss(0, 0.1) for _ in range(CLASSES)])
    nodes = [
        _node("Conv", ("image", "kernel", "bias"), "convolved", _ints("kernel_shape", (3, 3)), _ints("pads", (1, 1, 1, 1))),
        _node("Relu", ("convolved",), "positive"),
        _node("GlobalAveragePool", ("positive",), "pooled"),
        _node("Flatten", ("pooled",), "flat"),
        _node("Gemm", ("flat", "weights", "shift"), "scores", _int("transB", 1)),
    ]
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _bytes(2, b"tiny"),
            *(_bytes(5, tensor) for tensor in (kernel, bias, weights, shift)),
            _bytes(11, _port("image", (batch, CHANNELS, SIDE, SIDE))),
            _bytes(12, _port("scores", (batch, CLASSES))),
        ]
    )
    return _number(1, IR_VERSION) + _bytes(2, b"edgeroute.testing") + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, OPSET))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _tensor(name: str, shape: Sequence[int], values: Sequence[float]) -> bytes:
    dims = b"".join(_number(1, d) for d in shape)
    return dims + _number(2, FLOAT) + _bytes(8, name.encode()) + _bytes(9, struct.pack(f"<{len(values)}f", *values))


def _node(operator: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    ends = b"".join(_bytes(1, name.encode()) for name in inputs) + _bytes(2, output.encode())
    return ends + _bytes(3, output.encode()) + _bytes(4, operator.encode()) + b"".join(_bytes(5, a) for a in attributes)


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _bytes(1, name.encode()) + b"".join(_number(8, v) for v in values) + _number(20, 7)


def _int(name: str, value: int) -> bytes:
    return _bytes(1, name.encode()) + _number(3, value) + _number(20, 2)


def _port(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, d) if d else _bytes(2, b"N")) for d in shape)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, dims)))
