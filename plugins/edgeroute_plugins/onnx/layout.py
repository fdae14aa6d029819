"""The layout of an ONNX model's image inputs and outputs, read off the nodes next to them; their shape decides where those do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from edgeroute_plugins.layout import guess_layout
from edgeroute_plugins.onnx.proto import Graph, Node, ValueInfo

CHANNELS_FIRST = frozenset(
    [
        "Conv",
        "ConvInteger",
        "QLinearConv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "LpPool",
        "BatchNormalization",
        "InstanceNormalization",
        "LRN",
        "DepthToSpace",
        "SpaceToDepth",
    ]
)
"""Operators that take and give [batch, channels, height, width]."""
TRANSPARENT = frozenset(
    [
        "QuantizeLinear",
        "DequantizeLinear",
        "Cast",
        "Identity",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pad",
        "Relu",
        "LeakyRelu",
        "PRelu",
        "Sigmoid",
        "Tanh",
        "HardSwish",
        "HardSigmoid",
        "Elu",
        "Gelu",
        "Clip",
        "Min",
        "Max",
        "Softmax",
        "Concat",
        "Resize",
        "Upsample",
        "Dropout",
    ]
)
"""Operators that keep the layout."""
TAKEN: Mapping[tuple[int, ...], str] = {(0, 3, 1, 2): "NHWC", (0, 2, 3, 1): "NCHW"}
"""Permutation of a Transpose behind an input → the input's layout."""
GIVEN: Mapping[tuple[int, ...], str] = {(0, 2, 3, 1): "NHWC", (0, 3, 1, 2): "NCHW"}
"""Permutation of a Transpose before an output → the output's layout."""
REACH = 8


class Layouts:
    """Who writes and who reads every value of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._nodes = graph.nodes
        self._writer = {name: node.index for node in graph.nodes for name in node.outputs}
        self._readers: dict[str, list[int]] = defaultdict(list)
        for node in graph.nodes:
            for name in node.inputs:
                self._readers[name].append(node.index)

    def of_input(self, value: ValueInfo) -> str:
        """NCHW, NHWC or empty."""
        return self._layout(value, self._search(self._readers.get(value.name, ()), forwards=True), TAKEN)

    def of_output(self, value: ValueInfo) -> str:
        return self._layout(value, self._search(self._written_by([value.name]), forwards=False), GIVEN)

    def _layout(self, value: ValueInfo, telling: Node | None, permutations: Mapping[tuple[int, ...], str]) -> str:
        if value.shape is None or len(value.shape) != 4:
            return ""
        if telling is None:
            return guess_layout([d if isinstance(d, int) and d > 0 else None for d in value.shape])
        if telling.op_type != "Transpose":
            return "NCHW"
        perm = telling.attributes.get("perm")
        return permutations.get(perm.ints, "") if perm else ""

    def _written_by(self, names: Iterable[str]) -> list[int]:
        return [self._writer[name] for name in names if name in self._writer]

    def _search(self, start: Iterable[int], *, forwards: bool) -> Node | None:
        """The nearest node that tells the layout, through those that keep it."""
        level, seen = sorted(set(start)), set[int]()
        for _ in range(REACH):
            nodes = [self._nodes[index] for index in level]
            telling = [n for n in nodes if n.op_type in CHANNELS_FIRST or n.op_type == "Transpose"]
            if telling:
                return telling[0]
            seen.update(level)
            passing = [n for n in nodes if n.op_type in TRANSPARENT]
            ahead = (
                [i for n in passing for name in n.outputs for i in self._readers.get(name, ())]
                if forwards
                else self._written_by(name for n in passing for name in n.inputs)
            )
            level = sorted(set(ahead) - seen)
        return None
