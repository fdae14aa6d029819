"""Builds small .tflite files, operator by operator; sound by default, so that a test breaks exactly what it names."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, prod
from typing import Any

from edgeroute_plugins.tflite.schema import tables
from tests.plugins.devices.flat import CODES, Number, Table, Value, Vector, write

OPTIONS = {
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "FULLY_CONNECTED": "FullyConnectedOptions", "TRANSPOSE_CONV": "TransposeConvOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions", "MAX_POOL_2D": "Pool2DOptions", "CONCATENATION": "ConcatenationOptions", "ADD": "AddOptions", "MUL": "MulOptions",
    "SUB": "SubOptions", "RESHAPE": "ReshapeOptions", "MEAN": "ReducerOptions", "SUM": "ReducerOptions", "REDUCE_MAX": "ReducerOptions", "PACK": "PackOptions",
    "SPLIT": "SplitOptions", "STRIDED_SLICE": "StridedSliceOptions", "LEAKY_RELU": "LeakyReluOptions", "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions", "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions", "BATCH_MATMUL": "BatchMatMulOptions", "SOFTMAX": "SoftmaxOptions",
}  # fmt: skip
SIZES = {"float32": 4, "float16": 2, "int8": 1, "uint8": 1, "int16": 2, "int32": 4, "int64": 8, "bool": 1}
FIXED = {("LOGISTIC", "int8"): (1 / 256, -128), ("SOFTMAX", "int8"): (1 / 256, -128), ("TANH", "int8"): (1 / 128, 0)}
S = 0.05
"""The scale of everything, unless a test says otherwise."""


def number_of(enum: str, name: str) -> int:
    return next(int(k) for k, v in tables()["enums"][enum].items() if v.lower() == name.lower())


@dataclass
class Net:
    """One subgraph in the making. Tensors are numbers; shapes and scales can be read back."""

    shapes: list[tuple[int, ...]] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    scales: list[tuple[float, ...]] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    tensors: list[Table] = field(default_factory=list)
    operators: list[Table] = field(default_factory=list)
    codes: list[tuple[int, str, int]] = field(default_factory=list)
    buffers: list[bytes] = field(default_factory=lambda: [b""])

    def tensor(
        self, shape: Sequence[int], dtype: str = "int8", scale: float | Sequence[float] = S, zero: int | Sequence[int] = 0, *,
        data: bytes | None = None, axis: int = 0, signature: Sequence[int] = (), name: str = "",
    ) -> int:  # fmt: skip
        scales = tuple(scale) if isinstance(scale, Sequence) else (scale,) if dtype in ("int8", "uint8", "int16", "int32") and scale else ()
        zeros = tuple(zero) if isinstance(zero, Sequence) else (zero,) * len(scales)
        buffer = 0
        if data is not None:
            self.buffers.append(data)
            buffer = len(self.buffers) - 1
        slots: dict[int, Value] = {
            0: Vector("int32", shape), 1: Number("int8", number_of("TensorType", dtype)), 2: Number("uint32", buffer),
            3: (name or f"t{len(self.tensors)}").encode(),
        }  # fmt: skip
        if scales:
            slots[4] = Table({2: Vector("float32", scales), 3: Vector("int64", zeros), 6: Number("int32", axis)})
        if signature:
            slots[7] = Vector("int32", signature)
        self.tensors.append(Table(slots))
        self.shapes.append(tuple(shape))
        self.dtypes.append(dtype)
        self.scales.append(scales)
        return len(self.tensors) - 1

    def input(self, shape: Sequence[int] = (1, 8, 8, 3), dtype: str = "uint8", scale: float = 1 / 255, zero: int = 0, **more: Any) -> int:
        self.inputs.append(self.tensor(shape, dtype, scale, zero, **more))
        return self.inputs[-1]

    def constant(
        self, shape: Sequence[int], dtype: str = "int8", scale: float | Sequence[float] = S, zero: Any = 0, *, fill: int = 1, axis: int = 0
    ) -> int:
        code = CODES.get(dtype, "B")
        raw = struct.pack("<" + code, fill) * prod(shape)
        return self.tensor(shape, dtype, scale, zero, data=raw, axis=axis)

    def numbers(self, values: Sequence[int], dtype: str = "int32", shape: Sequence[int] | None = None) -> int:
        raw = struct.pack(f"<{len(values)}{CODES[dtype]}", *values)
        return self.tensor((len(values),) if shape is None else shape, dtype, 0.0, data=raw)

    def op(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        version: int = 1,
        custom: str = "",
        custom_options: bytes = b"",
        **options: Any,
    ) -> int:
        """Adds an operator; answers its first output."""
        code = (number_of("BuiltinOperator", name), custom, version)
        if code not in self.codes:
            self.codes.append(code)
        slots: dict[int, Value] = {0: Number("uint32", self.codes.index(code)), 1: Vector("int32", inputs), 2: Vector("int32", outputs)}
        if kind := OPTIONS.get(name):
            slots[3] = Number("uint8", next(int(k) for k, v in tables()["BuiltinOptions"].items() if v == kind))
            slots[4] = _options(kind, options)
        if custom_options:
            slots[5] = custom_options
        self.operators.append(Table(slots))
        return outputs[0]

    def plain(
        self,
        name: str,
        *inputs: int,
        shape: Sequence[int] | None = None,
        dtype: str = "",
        scale: float | None = None,
        zero: int = 0,
        **options: Any,
    ) -> int:
        """An operator whose output is like its first input, unless told otherwise."""
        kind = dtype or self.dtypes[inputs[0]]
        fixed = FIXED.get((name, kind))
        if fixed and scale is None:
            scale, zero = fixed
        own = self.scales[inputs[0]][0] if self.scales[inputs[0]] else S
        out = self.tensor(self.shapes[inputs[0]] if shape is None else shape, kind, own if scale is None else scale, zero)
        return self.op(name, inputs, [out], **options)

    def conv(
        self, x: int, channels: int = 16, kernel: tuple[int, int] = (3, 3), *, stride: int | tuple[int, int] = 1, padding: str = "SAME", dtype: str = "",
        weights: str = "", scale: float = S, weight_scale: float | Sequence[float] = S, weight_zero: int | Sequence[int] = 0, bias_scale: float | None = None,
        bias_type: str = "int32", bias_fill: int = 0, depthwise: bool = False, fill: int = 1, activation: str = "RELU6", dilation: tuple[int, int] = (1, 1), version: int = 1,
    ) -> int:  # fmt: skip
        """A convolution with weights, bias and RELU6; `depthwise` keeps or multiplies the channels."""
        own, shape = self.dtypes[x], self.shapes[x]
        strides = (stride, stride) if isinstance(stride, int) else stride
        form = (1, *kernel, channels) if depthwise else (channels, *kernel, shape[3])
        w = self.constant(form, weights or own, weight_scale, weight_zero, fill=fill, axis=3 if depthwise else 0)
        per = self.scales[w] or (1.0,)
        expected = [self.scales[x][0] * s for s in per] if self.scales[x] else [0.0]
        b = self.constant(
            (channels,), bias_type, expected if bias_scale is None and own != "float32" else bias_scale or 0.0, fill=bias_fill
        )
        size = [ceil(d / s) if padding == "SAME" else ceil((d - k + 1) / s) for d, k, s in zip(shape[1:3], kernel, strides, strict=True)]
        y = self.tensor((shape[0], *size, channels), dtype or own, scale)
        options = {
            "stride_h": strides[0], "stride_w": strides[1], "padding": padding, "fused_activation": activation,
            "dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1],
        } | ({"depth_multiplier": channels // shape[3]} if depthwise else {})  # fmt: skip
        return self.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [x, w, b], [y], version=version, **options)

    def dense(
        self, x: int, units: int = 10, *, weight_scale: float | Sequence[float] = S, weights_format: str = "DEFAULT", rows: int = 1
    ) -> int:
        width = self.shapes[x][-1]
        w = self.constant((units, width), self.dtypes[x], weight_scale)
        per = [self.scales[x][0] * s for s in self.scales[w]] if self.scales[x] else 0.0
        b = self.constant((units,), "int32" if self.scales[x] else "float32", per, fill=0)
        y = self.tensor((rows, units), self.dtypes[x], S)
        return self.op("FULLY_CONNECTED", [x, w, b], [y], weights_format=weights_format)

    def build(
        self, *outputs: int, description: str = "MLIR Converted.", metadata: Mapping[str, bytes] | None = None, subgraphs: int = 1
    ) -> bytes:
        """The file; the last operator's outputs where none are named."""
        extra = dict(metadata or {})
        places = {name: len(self.buffers) + i for i, name in enumerate(extra)}
        main = Table({
            0: Vector("table", self.tensors), 1: Vector("int32", self.inputs), 2: Vector("int32", outputs or (len(self.tensors) - 1,)),
            3: Vector("table", self.operators), 4: b"main",
        })  # fmt: skip
        return write(
            Table({
                0: Number("uint32", 3), 1: Vector("table", [_code(*c) for c in self.codes]), 2: Vector("table", [main] * subgraphs), 3: description.encode(),
                4: Vector("table", [Table({0: raw} if raw else {}) for raw in (*self.buffers, *extra.values())]),
                6: Vector("table", [Table({0: name.encode(), 1: Number("uint32", place)}) for name, place in places.items()]),
            }),
            b"TFL3",
        )  # fmt: skip


def _code(builtin: int, custom: str, version: int) -> Table:
    slots: dict[int, Value] = {0: Number("int8", min(builtin, 127)), 2: Number("int32", version), 3: Number("int32", builtin)}
    return Table(slots | ({1: custom.encode()} if custom else {}))


def _options(kind: str, values: Mapping[str, Any]) -> Table:
    slots: dict[int, Value] = {}
    fields = {name: (slot, form) for name, slot, form, _ in tables()["options"].get(kind, ())}
    for name, value in values.items():
        slot, form = fields[name]
        slots[slot] = Number(form, value) if form in CODES else Number("int8", number_of(form, value))
    return Table(slots)


def package(runtime: int = 12, cached: int = 64, streamed: int = 0) -> bytes:
    """An Edge TPU package as edgetpu_compiler leaves it in custom options: some bytes, then the flatbuffer `DWN1`."""
    executables = [
        write(Table({1: b"model", 6: bytes(streamed), 10: b"beagle", 13: Number("int16", 2)})),
        write(Table({1: b"Unknown", 6: bytes(cached), 10: b"beagle", 13: Number("int16", 1)})),
    ]
    multi = write(Table({0: Vector("text", executables)}))
    return b"\x04\x00" * 4 + write(Table({0: Number("int32", runtime), 1: multi, 4: b"cl/"}), b"DWN1") + b"\x00\x01"


def edgetpu(net: Net, x: int, shape: Sequence[int], options: bytes | None = None) -> int:
    """Adds a compiled part."""
    out = net.tensor(shape, "uint8", S)
    return net.op("CUSTOM", [x], [out], custom="edgetpu-custom-op", custom_options=package() if options is None else options)
