"""Rewriting changes the spelling, not the value."""

from __future__ import annotations

import numpy as np
import pytest

from edgeroute_plugins.prepare.fold import fold
from edgeroute_plugins.prepare.graph import Graph
from edgeroute_plugins.prepare.rewrite import rewrite
from tests.plugins.prepare.builders import Net, changed, operators

EXACT = 100.0


def both(graph: Graph) -> None:
    fold(graph)
    rewrite(graph)
    fold(graph)


def test_hard_swish_leaves_one_sum_one_clip_one_product() -> None:
    net = Net()
    y = net.conv(net.add("HardSwish", net.conv("x", 3, 4)), 4, 2)
    graph, db = changed(net.model(y), both)
    assert operators(graph) == ["Conv", "Add", "Clip", "Mul", "Conv"]
    assert db > EXACT


def test_hard_sigmoid_of_a_squeeze_excite_vanishes_into_its_neighbours() -> None:
    net = Net()
    trunk = net.add("Relu", net.conv("x", 3, 8))
    gate = net.add("HardSigmoid", net.conv(net.add("GlobalAveragePool", trunk), 8, 8, 1), alpha=0.2, beta=0.5)
    y = net.conv(net.add("Mul", trunk, gate), 8, 2)
    graph, db = changed(net.model(y), both)
    assert sorted(operators(graph)) == sorted(["Conv", "Relu", "GlobalAveragePool", "Conv", "Clip", "Mul", "Conv"])
    assert db > EXACT


@pytest.mark.parametrize(
    "low, high, wanted",
    [(0, 6, ["Clip"]), (0, None, ["Relu"]), (None, 2, ["Min"]), (-2, 3, ["Max", "Min"]), (0, 3.4e38, ["Relu"]), (-1, 1, ["Clip"])],
)
def test_clips_are_spelled_by_their_bounds(low: float | None, high: float | None, wanted: list[str]) -> None:
    net = Net()
    bounds = ["" if v is None else net.constant(v) for v in (low, high)]
    graph, db = changed(net.model(net.add("Clip", "x", *bounds)), rewrite)
    assert operators(graph) == wanted
    assert db > EXACT


def test_clip_to_one_is_a_relu6_whose_factors_fold() -> None:
    net = Net()
    y = net.add("Clip", net.conv("x", 3, 4), net.constant(0), net.constant(1))
    graph, db = changed(net.model(net.conv(y, 4, 2)), both)
    assert operators(graph) == ["Conv", "Clip", "Conv"]
    assert float(graph.constants[graph.nodes[1].input[2]]) == 6
    assert db > EXACT


def test_leaky_relu_spelled_as_maximum() -> None:
    net = Net()
    graph, db = changed(net.model(net.add("Max", "x", net.add("Mul", "x", net.constant(0.2)))), rewrite)
    assert operators(graph) == ["LeakyRelu"]
    assert db > EXACT


def test_squares_means_and_shared_slopes() -> None:
    net = Net()
    y = net.add("Pow", "x", net.constant(2))
    y = net.add("PRelu", y, net.constant(np.full((3, 1, 1), 0.25)))
    y = net.add("ReduceMean", y, axes=[2, 3])
    graph, db = changed(net.model(y), rewrite)
    assert operators(graph) == ["Mul", "LeakyRelu", "GlobalAveragePool"]
    assert db > EXACT
