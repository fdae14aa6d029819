"""Which channels of which tensors must share a scale.

Dividing a channel by a positive number can travel through rectifiers, pools, sums, concatenations, splits, reshapes and
transpositions, and ends in the weights of the next layer. Every element of every tensor belongs to a class; all elements of
a class are divided by the same number. Class 0 is pinned to 1: graph inputs and outputs, and whatever an operator without
that property touches. Residual sums thus join all their branches, a concatenation maps each part, a channel shuffle permutes.

Classes of a tensor are kept as an integer array of the tensor's rank in which an axis of length 1 means "the same all along".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from edgeroute_plugins.prepare import linear
from edgeroute_plugins.prepare.graph import Array, Graph, Node, attribute

PINNED = 0
EMPTY = -1
"""Class of padding zeros, which every scale leaves alone."""

HOMOGENEOUS = frozenset({"Relu", "LeakyRelu", "PRelu", "Abs", "Identity", "Dropout", "MaxPool", "AveragePool"})
"""f(s·x) = s·f(x) for s > 0, each channel by itself, shapes of equal rank."""
POOLED = frozenset({"GlobalAveragePool", "GlobalMaxPool"})
REDUCED = frozenset({"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"})
MOVED = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Concat", "Expand", "Tile"})
"""Operators that only move elements: run on the classes themselves."""
MOVED = MOVED | {"Pad", "DepthToSpace", "SpaceToDepth", "Gather"}
BOUNDED = frozenset({"Sigmoid", "HardSigmoid", "Clip", "Tanh", "Softmax", "Min"})
LARGEST = 1 << 23
"""Tensors with more elements are pinned rather than moved element by element."""


@dataclass
class Classes:
    """A union-find over classes, and the classes of every tensor of known shape."""

    parents: list[int] = field(default_factory=lambda: [PINNED])
    of: dict[str, Array] = field(default_factory=dict)

    def new(self, count: int) -> Array:
        first = len(self.parents)
        self.parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def find(self, item: int) -> int:
        root = item
        while self.parents[root] != root:
            root = self.parents[root]
        while self.parents[item] != root:
            self.parents[item], item = root, self.parents[item]
        return root

    def union(self, left: Array, right: Array) -> None:
        """Join classes elementwise; the smaller number survives, so that pinned stays pinned."""
        a, b = np.broadcast_arrays(left, right)
        for x, y in {(int(x), int(y)) for x, y in zip(a.flat, b.flat, strict=True)}:
            if x == EMPTY or y == EMPTY:
                continue
            low, high = sorted((self.find(x), self.find(y)))
            self.parents[high] = low

    def pin(self, name: str) -> None:
        if name in self.of:
            self.union(self.of[name], np.zeros((), int))

    def roots(self, name: str) -> Array:
        """Surviving classes of a tensor, in the compact shape."""
        array = self.of[name]
        return np.array([self.find(int(v)) if v != EMPTY else EMPTY for v in array.flat], int).reshape(array.shape)

    def along(self, name: str, axis: int) -> Array:
        """One class per channel on an axis; classes that vary over other axes are joined."""
        array = np.moveaxis(self.of[name], axis, 0)
        flat = array.reshape(array.shape[0], -1)
        self.union(flat, flat[:, :1])
        return flat[:, 0]


def classify(graph: Graph, caps: Mapping[str, Array] | None = None) -> Classes:
    """Classes of all tensors of a graph; tensors of unknown shape, and what they touch, are pinned.

    `caps`: results of clips → which channels [C] the clip really cuts; the others pass it as they pass a rectifier.
    """
    classes = Classes()
    cut = caps or {}
    shapes = graph.shapes
    for name in graph.input_names:
        if name in shapes:
            classes.of[name] = np.zeros((1,) * len(shapes[name]), int)
    for node in graph.nodes:
        rule = _rule(graph, node)
        if any(out not in shapes for out in node.output if out) or not _known(graph, classes, node):
            _pin(graph, classes, node)
        elif node.output[0] in cut:
            _capped(classes, node, cut[node.output[0]])
        else:
            rule(graph, classes, node)
    for name in {*graph.output_names, *graph.captured}:
        classes.pin(name)
    return classes


def _rule(graph: Graph, node: Node) -> Callable[[Graph, Classes, Node], None]:
    op = node.op_type
    if linear.is_linear(graph, node):
        return _linear
    if op in HOMOGENEOUS or _is_rectifier(graph, node):
        return _homogeneous
    if op in POOLED or op in REDUCED:
        return _reduced
    if op == "Resize":
        return _resized
    if op in ("Add", "Sub") or (op in ("Max", "Min") and len(node.input) == 2):
        return _sum
    if op == "Mul":
        return _product
    return _moved if op in MOVED else _pin


def _known(graph: Graph, classes: Classes, node: Node) -> bool:
    return all(n in classes.of or n in graph.constants for n in node.input if n)


def _pin(graph: Graph, classes: Classes, node: Node) -> None:
    for name in node.input:
        classes.pin(name)
    for name in node.output:
        if name in graph.shapes:
            classes.of[name] = np.zeros((1,) * len(graph.shapes[name]), int)


def _linear(graph: Graph, classes: Classes, node: Node) -> None:
    """Weights take the input's scales and give the output its own."""
    axis = linear.channel_axis(node)
    classes.along(node.input[0], axis)
    shape = graph.shapes[node.output[0]]
    compact = [1] * len(shape)
    compact[axis] = shape[axis]
    classes.of[node.output[0]] = classes.new(shape[axis]).reshape(compact)


def _homogeneous(graph: Graph, classes: Classes, node: Node) -> None:
    source = classes.of[node.input[0]]
    if len(node.output) > 1 and node.op_type == "MaxPool":
        return _pin(graph, classes, node)
    if node.op_type in ("MaxPool", "AveragePool"):
        _join_axes(classes, node.input[0], range(2, source.ndim))
    classes.of[node.output[0]] = _compact(classes, node.input[0])
    return None


def _capped(classes: Classes, node: Node, cut: Array) -> None:
    own = classes.along(node.input[0], 1)
    classes.union(own[cut], np.zeros((), int))
    classes.of[node.output[0]] = _compact(classes, node.input[0])


def _reduced(graph: Graph, classes: Classes, node: Node) -> None:
    rank = len(graph.shapes[node.input[0]])
    if node.op_type in POOLED:
        axes: list[int] = list(range(2, rank))
        keep = True
    else:
        given = attribute(node, "axes") or (graph.constant(node.input[1]) if len(node.input) > 1 and node.input[1] else None)
        axes = [int(a) % rank for a in (range(rank) if given is None else given)]
        keep = bool(attribute(node, "keepdims", 1))
    _join_axes(classes, node.input[0], axes)
    compact = _compact(classes, node.input[0])
    classes.of[node.output[0]] = compact if keep else compact.reshape([d for i, d in enumerate(compact.shape) if i not in axes])


def _resized(graph: Graph, classes: Classes, node: Node) -> None:
    source, result = graph.shapes[node.input[0]], graph.shapes[node.output[0]]
    if source[:2] != result[:2]:
        return _pin(graph, classes, node)
    _join_axes(classes, node.input[0], range(2, len(source)))
    classes.of[node.output[0]] = _compact(classes, node.input[0])
    return None


def _sum(graph: Graph, classes: Classes, node: Node) -> None:
    variables = [n for n in node.input if n not in graph.constants]
    if not variables:
        return _pin(graph, classes, node)
    rank = len(graph.shapes[node.output[0]])
    arrays = [_lead(classes.of[n], rank) for n in variables]
    if len(arrays) == 2:
        classes.union(*arrays)
    wide = np.broadcast_arrays(*arrays)
    classes.of[node.output[0]] = np.where(wide[0] == EMPTY, wide[-1], wide[0])
    return None


def _product(graph: Graph, classes: Classes, node: Node) -> None:
    """A constant vector takes any scales; of two variables the gate is pinned and the other one passes."""
    rank = len(graph.shapes[node.output[0]])
    variables = [n for n in node.input if n not in graph.constants]
    if not variables:
        return _pin(graph, classes, node)
    carrier = variables[0] if len(variables) == 1 else carried(graph, node)
    if len(variables) == 2:
        classes.pin(next(n for n in variables if n != carrier) if variables[0] != variables[1] else carrier)
    if is_vector_product(graph, node):
        classes.along(carrier, 1)
        count = graph.shapes[carrier][1]
        classes.of[node.output[0]] = classes.new(count).reshape(1, count, 1, 1)
    else:
        classes.of[node.output[0]] = _lead(classes.of[carrier], rank)
    return None


def carried(graph: Graph, node: Node) -> str:
    """Which operand of a product of two variables is scaled: the larger one, else the one that is not a bounded gate."""
    left, right = node.input
    size = {n: int(np.prod(graph.shapes[n])) for n in (left, right)}
    if size[left] != size[right]:
        return str(max((left, right), key=lambda n: size[n]))
    producer = graph.producer(left)
    return str(right if producer is not None and producer.op_type in BOUNDED else left)


def is_vector_product(graph: Graph, node: Node) -> bool:
    """A Mul by a constant with one number per channel of axis 1, none of them zero."""
    value = next((graph.constants[n] for n in node.input if n in graph.constants), None)
    if node.op_type != "Mul" or value is None or node.input[0] in graph.constants or np.any(value == 0):
        return False
    shape = graph.shapes.get(node.input[0], ())
    return len(shape) == 4 and value.shape in ((shape[1], 1, 1), (1, shape[1], 1, 1)) and shape[1] > 1


def _moved(graph: Graph, classes: Classes, node: Node) -> None:
    names = [n for n in node.input if n in classes.of and n not in graph.constants]
    if any(np.prod(graph.shapes[n]) > LARGEST for n in (*names, *node.output)) or not _moves_zeros(graph, node):
        return _pin(graph, classes, node)
    results = _run_on_classes(graph, classes, node)
    if results is None:
        return _pin(graph, classes, node)
    for name, result in zip(node.output, results, strict=True):
        classes.of[name] = _squeeze(result)
    return None


def _moves_zeros(graph: Graph, node: Node) -> bool:
    """A Pad must add zeros or repeat elements."""
    if node.op_type != "Pad" or attribute(node, "mode", b"constant") != b"constant" or len(node.input) < 3 or not node.input[2]:
        return True
    value = graph.constant(node.input[2])
    return value is not None and not np.any(value != 0)


def _run_on_classes(graph: Graph, classes: Classes, node: Node) -> list[Array] | None:
    """Execute a node on arrays of classes instead of numbers; None when the runtime refuses."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    feeds: dict[str, Array] = {}
    inputs, initializers = [], []
    for name in {n for n in node.input if n}:
        if name in graph.constants and name not in classes.of:
            initializers.append(onnx.numpy_helper.from_array(graph.constants[name], name))
        else:
            feeds[name] = np.broadcast_to(classes.of[name], graph.shapes[name]).astype(np.float32)
            inputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, graph.shapes[name]))
    if node.op_type == "Pad" and attribute(node, "mode", b"constant") == b"constant":
        while len(copy.input) < 3:
            copy.input.append("")
        copy.input[2] = "empty_class"
        initializers.append(onnx.numpy_helper.from_array(np.float32(EMPTY), "empty_class"))
    outputs = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, graph.shapes[n]) for n in node.output]
    body = helper.make_graph([copy], "classes", inputs, outputs, initializers)
    model = helper.make_model(body, opset_imports=graph.proto.opset_import, ir_version=graph.proto.ir_version)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return [r.astype(int) for r in session.run(None, feeds)]
    except (RuntimeError, onnxruntime.capi.onnxruntime_pybind11_state.Fail, onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        return None


def _is_rectifier(graph: Graph, node: Node) -> bool:
    """A Clip with a lower bound of 0 and no upper one."""
    if node.op_type != "Clip" or (len(node.input) > 2 and node.input[2]):
        return False
    low = graph.constant(node.input[1]) if len(node.input) > 1 else None
    return low is not None and not np.any(low != 0)


def _join_axes(classes: Classes, name: str, axes: object) -> None:
    array = classes.of[name]
    for axis in axes:  # type: ignore[attr-defined]
        first = np.take(array, [0], axis=axis)
        if array.shape[axis] > 1:
            classes.union(array, first)


def _compact(classes: Classes, name: str) -> Array:
    return _squeeze(classes.roots(name))


def _squeeze(array: Array) -> Array:
    """Drop axes along which the classes do not vary, leaving length 1."""
    for axis in range(array.ndim):
        first = np.take(array, [0], axis=axis)
        if np.array_equal(np.broadcast_to(first, array.shape), array):
            array = first
    return array.copy()


def _lead(array: Array, rank: int) -> Array:
    return array.reshape((1,) * (rank - array.ndim) + array.shape)
