"""Small ONNX networks with the habits of real files, written node by node; runs where onnx is installed. Weights are seeded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """Collects nodes and weights; a tensor is called after its number."""

    def __init__(self, name: str, shape: Sequence[int | str], seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, kind: str, *inputs: str, out: str | Sequence[str] = "", **attributes: Any) -> str:
        names = [out or f"tensor_{len(self.nodes)}"] if isinstance(out, str) else list(out)
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}_{len(self.nodes)}", **attributes))
        return names[0]

    def conv(self, source: str, channels: int, filters: int, *, kernel: int = 3, stride: int = 1, group: int = 1, out: str = "") -> str:
        size = (filters, channels // group, kernel, kernel)
        weights = self.random.normal(size=size) * np.sqrt(2 / (channels // group * kernel * kernel))
        bias = 0.1 * self.random.normal(size=filters)
        pads = [kernel // 2] * 4
        return self.add("Conv", source, self.constant(weights), self.constant(bias), pads=pads, strides=[stride] * 2, group=group, out=out)

    def relu6(self, source: str) -> str:
        return self.add("Clip", source, self.constant(0.0), self.constant(6.0))

    def save(
        self, path: Path, outputs: Sequence[tuple[str, Sequence[int | str] | None]], opset: int = 13, ir: int = 8, **more: Any
    ) -> None:
        results = [helper.make_tensor_value_info(n, more.get("dtype", TensorProto.FLOAT), s) for n, s in outputs]
        graph = helper.make_graph(self.nodes, "net", self.inputs + more.get("extra_inputs", []), results, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))


def classifier(path: Path) -> None:
    """Depthwise with a residual, every dimension of the image open, a softmax at the end."""
    net = Net("image", ["batch", 3, "height", "width"])
    stem = net.relu6(net.conv("image", 3, 16, stride=2))
    wide = net.relu6(net.conv(stem, 16, 16, group=16))
    joined = net.add("Add", net.conv(wide, 16, 16, kernel=1), stem)
    flat = net.add("Flatten", net.add("GlobalAveragePool", joined))
    weights = net.random.normal(size=(16, 10)) / 4
    net.add("Softmax", net.add("Gemm", flat, net.constant(weights), net.constant(np.zeros(10))), out="scores", axis=1)
    net.save(path, [("scores", ["batch", 10])])


def old_style(path: Path) -> None:
    """Opset 9, IR 3, weights listed as inputs, and a baked-in shape that nobody feeds; BatchNormalization; two outputs."""
    net = Net("data_0", [10, 3, 8, 8])
    body = net.conv("data_0", 3, 8)
    scale, mean = net.constant(net.random.uniform(0.5, 1.5, 8)), net.constant(net.random.normal(size=8) / 4)
    normal = net.add("BatchNormalization", body, scale, mean, mean, scale)
    active = net.add("Relu", normal)
    net.conv(active, 8, 2, kernel=1, out="heat")
    net.add("Sigmoid", net.conv(active, 8, 1, kernel=1), out="mask")
    listed = [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in net.weights]
    net.save(path, [("heat", [10, 2, 8, 8]), ("mask", [10, 1, 8, 8])], opset=9, ir=3, extra_inputs=listed)


def detector(path: Path) -> None:
    """Split, upsampling and joined heads, ending in a transposition that belongs to the model; awkward names."""
    net = Net("/images:0", [1, 3, 32, 32])
    stem = net.add("Relu", net.conv("/images:0", 3, 16, stride=2))
    net.add("Split", stem, net.constant([6, 10], np.int64), out=["/a", "/b"], axis=1)
    small = net.add("Relu", net.conv("/a", 6, 8, stride=2))
    large = net.add(
        "Resize", small, "", net.constant([1, 1, 2, 2]), mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"
    )
    neck = net.add("Concat", large, "/b", axis=1)
    flat = net.add("Reshape", net.conv(neck, 18, 6, kernel=1), net.constant([1, 6, 256], np.int64))
    net.add("Transpose", flat, out="/boxes:0", perm=[0, 2, 1])
    net.save(path, [("/boxes:0", [1, 256, 6])])


def agnostic(path: Path) -> None:
    """Between convolutions, operators that care for axes but not for layouts: maxima by channel, pads, slices, means, joins."""
    net = Net("image", [1, 3, 16, 24])
    stem = net.conv("image", 3, 8)
    floor = net.add("Max", stem, net.constant(net.random.normal(size=(1, 8, 1, 1)) / 2))
    padded = net.add("Pad", floor, net.constant([0, 1, 0, 1, 0, 1, 2, 1], np.int64), net.constant(0.5))
    net.add("Split", padded, net.constant([3, 7], np.int64), out=["few", "many"], axis=1)
    part = net.add("Slice", "many", *(net.constant(v, np.int64) for v in ([0, 1], [7, 17], [1, 2], [2, 1])))
    mean = net.add("ReduceMean", part, axes=[2, 3], keepdims=1)
    gated = net.add("Mul", net.add("Max", part, net.constant(-0.2)), net.add("Sigmoid", mean))
    cut = net.add("Slice", "few", *(net.constant(v, np.int64) for v in ([1], [17], [2])))
    joined = net.add("Concat", net.add("Min", cut, net.constant(0.8)), gated, axis=1)
    net.conv(net.add("Max", joined, net.constant(np.linspace(-1, 1, 7).reshape(1, 7, 1, 1))), 7, 4, out="result")
    net.save(path, [("result", [1, 4, 16, 26])])


def channels_last(path: Path) -> None:
    """An input that is NHWC already."""
    net = Net("picture", [1, 16, 16, 3])
    first = net.add("Transpose", "picture", perm=[0, 3, 1, 2])
    body = net.add("Relu", net.conv(first, 3, 8, stride=2))
    net.add("Flatten", net.add("GlobalAveragePool", net.conv(body, 8, 5, kernel=1)), out="scores")
    net.save(path, [("scores", [1, 5])])


def stubborn(path: Path) -> None:
    """What a quantizer stumbles over: PReLU, padded max-pooling of positive and of other values, Neg."""
    net = Net("image", [1, 3, 24, 24])
    stem = net.add("Relu", net.conv("image", 3, 8))
    pooled = net.add("MaxPool", stem, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    sloped = net.add("PRelu", net.conv(pooled, 8, 8), net.constant(np.linspace(0.1, 0.4, 8).reshape(8, 1, 1)))
    turned = net.add("Neg", net.conv(sloped, 8, 8))
    again = net.add("MaxPool", turned, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    net.add("Flatten", net.add("GlobalAveragePool", net.conv(again, 8, 4, kernel=1)), out="scores")
    net.save(path, [("scores", [1, 4])])


def two_inputs(path: Path) -> None:
    """An image and a vector that share an open batch."""
    net = Net("image", ["n", 3, 16, 16])
    net.inputs.append(helper.make_tensor_value_info("extra", TensorProto.FLOAT, ["n", 4]))
    body = net.add("Flatten", net.add("GlobalAveragePool", net.add("Relu", net.conv("image", 3, 8))))
    joined = net.add("Concat", body, "extra", axis=1)
    net.add("Gemm", joined, net.constant(net.random.normal(size=(12, 3))), net.constant(np.zeros(3)), out="result")
    net.save(path, [("result", ["n", 3])])


def doubles(path: Path) -> None:
    """A tracer's stray double in the anchors, which takes everything behind it along, the output too."""
    net = Net("image", [1, 3, 16, 16])
    boxes, scores = net.conv("image", 3, 4, stride=2), net.add("Sigmoid", net.conv("image", 3, 2, stride=2))
    wide = net.add("Cast", boxes, to=TensorProto.DOUBLE)
    moved = net.add("Add", wide, net.constant(np.arange(8) + 0.5, np.float64))
    joined = net.add("Concat", moved, net.add("Cast", scores, to=TensorProto.DOUBLE), axis=1)
    net.add("Reshape", joined, net.constant([1, 6, 64], np.int64), out="found")
    net.save(path, [("found", [1, 6, 64])], dtype=TensorProto.DOUBLE)


def smooth(path: Path) -> None:
    """A GELU as exporters spell it, by the error function."""
    net = Net("image", [1, 3, 16, 16])
    middle = net.conv("image", 3, 6)
    inner = net.add("Erf", net.add("Div", middle, net.constant(np.sqrt(2.0))))
    gelu = net.add("Mul", net.add("Mul", middle, net.add("Add", inner, net.constant(1.0))), net.constant(0.5))
    net.add("Flatten", net.add("GlobalAveragePool", gelu), out="scores")
    net.save(path, [("scores", [1, 6])])


def recurrent(path: Path) -> None:
    """An LSTM over a series whose batch comes first, as torch exports it, and its last step."""
    net = Net("series", [1, 12, 4])
    turned = net.add("Transpose", "series", perm=[1, 0, 2])
    weights = [net.constant(net.random.normal(size=(1, 20, n)) / 2) for n in (4, 5)]
    net.add("LSTM", turned, *weights, net.constant(net.random.normal(size=(1, 40)) / 4), out="steps", hidden_size=5)
    flat = net.add("Reshape", "steps", net.constant([1, 12, 5], np.int64))
    net.add("Gather", flat, net.constant(-1, np.int64), out="scores", axis=1)
    net.save(path, [("scores", [1, 5])])


def unknown(path: Path) -> None:
    """An operator of a domain that no tool knows."""
    net = Net("image", [1, 3, 8, 8])
    net.add("Frobnicate", net.conv("image", 3, 4), out="scores", domain="com.acme")
    results = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4, 8, 8])]
    domains = [helper.make_opsetid("", 13), helper.make_opsetid("com.acme", 1)]
    onnx.save(helper.make_model(helper.make_graph(net.nodes, "net", net.inputs, results, net.weights), opset_imports=domains), str(path))


def data_dependent(path: Path) -> None:
    """An output whose size depends on the values."""
    net = Net("image", [1, 3, 4, 4])
    net.add("NonZero", net.add("Relu", "image"), out="places")
    net.save(path, [("places", [4, "count"])], dtype=TensorProto.INT64)


def save(name: str, path: str) -> str:
    """Write one of the networks above; returns where."""
    globals()[name](Path(path))
    return path


def save_external(path: str, data: str, threshold: int) -> str:
    """The detector with its weights of `threshold` bytes and more in a file beside it."""
    detector(Path(path))
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location=data, size_threshold=threshold)
    return path


def describe(path: str) -> dict[str, Any]:
    """Shapes of the border, operators, opset and what lies beside the file."""
    model = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(path)

    def shapes(values: Any) -> dict[str, list[int]]:
        return {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}

    return {
        "inputs": shapes(model.graph.input),
        "outputs": shapes(model.graph.output),
        "operators": [n.op_type for n in model.graph.node],
        "opset": model.opset_import[0].version,
        "beside": sorted(p.name for p in Path(path).parent.iterdir()),
    }
