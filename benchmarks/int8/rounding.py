"""What it costs at the outputs to store single tensors in 8 bits: measured, one group of tensors at a time.

The float network runs with the rounding of chosen tensors switched on; everything else stays exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from edgeroute_plugins.prepare import gates
from edgeroute_plugins.prepare.graph import Array, Graph, Node, make
from edgeroute_plugins.prepare.statistics import Statistics, session

LEVELS = 255
"""Steps of a range in 8 bits."""
SWITCH = "rounds"


def widths(graph: Graph, found: Mapping[str, Statistics]) -> dict[str, tuple[float, float]]:
    """Tensor → the range that 8 bits have to hold: smallest and largest calibrated value, 0 included, without what a gate makes 0 anyway."""
    limits = gates.bounds(graph)
    ranges = {}
    for name, statistics in found.items():
        low, high = limits.get(name, (-np.inf, np.inf))
        ranges[name] = (min(max(float(statistics.low.min()), low), 0.0), max(min(float(statistics.high.max()), high), 0.0))
    return ranges


def by_output(
    graph: Graph,
    groups: Sequence[Sequence[str]],
    ranges: Mapping[str, tuple[float, float]],
    feeds: Sequence[Mapping[str, Array]],
    levels: int = LEVELS,
) -> list[list[float]]:
    """For each group of tensors, when these are rounded: the noise at each output that is not constant, as a share of the signal's variance.

    `levels` are the steps of a range, 255 for 8 bits.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        for name in group:
            members.setdefault(name, []).append(index)
    runner = session(_rounding(graph, list(members), ranges, levels))
    outputs = [o.name for o in runner.get_outputs()]
    exact = [runner.run(outputs, {**feed, SWITCH: np.zeros(len(members), np.float32)}) for feed in feeds]
    found = []
    for index in range(len(groups)):
        switches = np.array([float(index in m) for m in members.values()], np.float32)
        found.append(shares(exact, [runner.run(outputs, {**feed, SWITCH: switches}) for feed in feeds]))
    return found


def shares(exact: Sequence[Sequence[Array]], noisy: Sequence[Sequence[Array]]) -> list[float]:
    """Per output that is not constant, the mean squared difference over the variance of what is exact; both are [sample][output]."""
    found = []
    for output in range(len(exact[0])):
        wanted, got = (np.stack([r[output] for r in rows]).astype(np.float64) for rows in (exact, noisy))
        if wanted.var() > 0:
            found.append(float(((wanted - got) ** 2).mean() / wanted.var()))
    return found


def _rounding(graph: Graph, names: Sequence[str], ranges: Mapping[str, tuple[float, float]], levels: int) -> onnx.ModelProto:
    """The model in which these tensors are rounded as far as their switch, an element of one more input, says: 0 or 1."""
    model = graph.to_proto()
    body, constants = model.graph, _Constants(model)
    body.input.append(onnx.helper.make_tensor_value_info(SWITCH, onnx.TensorProto.FLOAT, [len(names)]))
    numbers = {name: i for i, name in enumerate(names)}
    nodes: list[Node] = []
    renamed: dict[str, str] = {}
    for node in list(body.node):
        node.input[:] = [renamed.get(n, n) for n in node.input]
        nodes.append(node)
        for name in (n for n in node.output if n in numbers):
            nodes += _rounded(name, numbers[name], ranges[name], levels, constants)
            renamed[name] = f"{name}__stored"
    outputs = [renamed.get(o.name, o.name) for o in body.output]
    kept = [_copy(n) for n in nodes]
    del body.node[:]
    body.node.extend(kept)
    for info, name in zip(body.output, outputs, strict=True):
        info.name = name
    return model


def _rounded(name: str, index: int, limits: tuple[float, float], levels: int, constants: _Constants) -> list[Node]:
    """x + switch · (stored(x) − x)."""
    low, high = limits
    step = max((high - low) / levels, 1e-12)
    zero = round(-low / step)
    inner = {part: f"{name}__{part}" for part in ("clipped", "steps", "whole", "real", "error", "switch", "share")}
    return [
        make("Clip", [name, constants.number(-zero * step), constants.number((levels - zero) * step)], [inner["clipped"]]),
        make("Div", [inner["clipped"], constants.number(step)], [inner["steps"]]),
        make("Round", [inner["steps"]], [inner["whole"]]),
        make("Mul", [inner["whole"], constants.number(step)], [inner["real"]]),
        make("Sub", [inner["real"], name], [inner["error"]]),
        make("Gather", [SWITCH, constants.index(index)], [inner["switch"]], axis=0),
        make("Mul", [inner["error"], inner["switch"]], [inner["share"]]),
        make("Add", [name, inner["share"]], [f"{name}__stored"]),
    ]


class _Constants:
    """Adds scalars to a model."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model, self._count = model, 0

    def number(self, value: float) -> str:
        return self._add(np.array(value, np.float32))

    def index(self, value: int) -> str:
        return self._add(np.array(value, np.int64))

    def _add(self, value: Array) -> str:
        name = f"__rounding_{self._count}"
        self._count += 1
        self._model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
        return name


def _copy(node: Node) -> Node:
    duplicate = onnx.NodeProto()
    duplicate.CopyFrom(node)
    return duplicate
