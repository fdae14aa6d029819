"""Gates open without changing anything, and let equalization through."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute_plugins.prepare.equalize import equalize
from edgeroute_plugins.prepare.exact import made_up
from edgeroute_plugins.prepare.gates import bounds, close_gates, find_gates, open_gates
from edgeroute_plugins.prepare.graph import Graph, from_proto
from edgeroute_plugins.prepare.rewrite import rewrite
from tests.plugins.prepare.builders import Net, changed, operators

EXACT = 100.0


def gated(kind: str, spread: float = 2.0) -> onnx.ModelProto:
    net = Net()
    x = net.conv("x", 3, 16, spread=spread)
    y = net.add("HardSwish", x) if kind == "hard-swish" else net.add("Mul", net.add("Sigmoid", x), x)
    return net.model(net.conv(y, 16, 4))


@pytest.mark.parametrize("kind", ["hard-swish", "silu"])
def test_open_gates_are_exact_and_found_again(kind: str) -> None:
    def step(graph: Graph) -> None:
        rewrite(graph)
        assert [g.kind for g in find_gates(graph)] == [kind]
        assert open_gates(graph) == 1
        assert [g.is_open for g in find_gates(graph)] == [True]

    graph, db = changed(gated(kind), step)
    assert operators(graph).count("Conv") == 3
    assert "Add" not in operators(graph)
    assert db > EXACT


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("kind", ["hard-swish", "silu"])
def test_opened_gates_can_be_equalized(kind: str, per_channel: bool) -> None:
    model = gated(kind)
    gains = []

    def step(graph: Graph) -> None:
        rewrite(graph)
        open_gates(graph)
        done = equalize(graph, made_up(model), per_channel, steps=120)
        gains.append(done.before - done.after)
        scales = graph.constants[find_gates(graph)[0].shift.input[1]]
        assert np.ptp(np.log(scales)) > 0.5

    _, db = changed(model, step)
    assert db > EXACT
    assert gains[0] > 3.0


@pytest.mark.parametrize("kind", ["hard-swish", "silu"])
def test_unused_openings_close_again(kind: str) -> None:
    def step(graph: Graph) -> None:
        rewrite(graph)
        open_gates(graph)
        assert close_gates(graph) == 1

    graph, db = changed(gated(kind), step)
    assert operators(graph).count("Conv") == 2
    assert db > EXACT


def test_what_lies_below_a_gate_does_not_matter() -> None:
    graph = from_proto(gated("hard-swish"))
    rewrite(graph)
    (low, high) = bounds(graph)[find_gates(graph)[0].source]
    assert (low, high) == (-3.0, np.inf)


def test_a_source_with_other_readers_is_neither_opened_nor_bounded() -> None:
    net = Net()
    x = net.conv("x", 3, 4)
    y = net.add("Mul", net.add("Sigmoid", x), x)
    graph = from_proto(net.model(net.conv(net.add("Add", y, x), 4, 2)))
    assert open_gates(graph) == 0
    assert bounds(graph) == {}


@pytest.mark.parametrize("kind", ["silu", "hard-swish"])
def test_where_an_opened_gate_scales_its_channels_the_lowest_one_counts(kind: str) -> None:
    graph = from_proto(gated(kind))
    rewrite(graph)
    open_gates(graph)
    gate = find_gates(graph)[0]
    scales = graph.constants[gate.shift.input[1]].copy()
    scales[0] = 0.5
    graph.set_constant(gate.shift, 1, scales)
    assert bounds(graph)[find_gates(graph)[0].source] == (2 * gate.floor, np.inf)
