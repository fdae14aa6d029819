"""A ReLU6 between layers lets channels be rescaled that stay below it, and all of them once its cap is a constant of each."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute_plugins.prepare import caps
from edgeroute_plugins.prepare.equalize import equalize
from edgeroute_plugins.prepare.exact import made_up
from edgeroute_plugins.prepare.graph import Graph, from_proto
from edgeroute_plugins.prepare.statistics import measure
from tests.plugins.prepare.builders import Net, changed, operators
from tests.plugins.prepare.test_equalize import EXACT, free


def relu6(net: Net, source: str, high: float = 6.0) -> str:
    return str(net.add("Clip", source, net.constant(0.0), net.constant(high)))


def depthwise(high: float = 6.0) -> onnx.ModelProto:
    """What MobileNet repeats; the values reach the cap."""
    net = Net()
    y = relu6(net, net.conv("x", 3, 16, spread=3.0), high)
    y = relu6(net, net.conv(y, 16, 16, group=16, spread=2.0), high)
    return net.model(net.conv(y, 16, 4, 1))


@pytest.mark.parametrize("high", [6.0, 1.0])
def test_open_caps_free_the_channels_and_change_nothing(high: float) -> None:
    model = depthwise(high)
    assert free(from_proto(model)) == set()
    graph, db = changed(model, caps.open_caps)
    assert len(free(graph)) == 32 and db > EXACT and operators(graph).count("Min") == 2


def test_the_last_cap_before_the_average_is_opened_too() -> None:
    net = Net()
    y = net.add("GlobalAveragePool", relu6(net, net.conv("x", 3, 16, spread=3.0)))
    graph, db = changed(net.model(net.conv(y, 16, 4, 1)), caps.open_caps)
    assert len(free(graph)) == 16 and db > EXACT


def test_equalization_passes_an_open_cap() -> None:
    model, noise = depthwise(), []

    def step(graph: Graph) -> None:
        opened = caps.open_caps(graph)
        done = equalize(graph, made_up(model), per_channel=False, steps=120)
        noise.extend([done.before - done.after, caps.close_caps(graph, opened)])

    graph, db = changed(model, step)
    assert db > EXACT and noise[0] > 3 and noise[1] == 0
    assert "Clip" not in operators(graph)


def test_channels_below_a_cap_are_rescaled_and_those_that_reach_it_are_not() -> None:
    model, done = depthwise(60.0), []

    def step(graph: Graph) -> None:
        done.append(equalize(graph, made_up(model), per_channel=False, steps=120, below_caps=True))

    graph, db = changed(model, step)
    assert operators(graph) == operators(from_proto(model)) and db > EXACT
    assert 0 < done[0].cut < 1 and done[0].before - done[0].after > 0.5


def test_scaled_channels_keep_their_headroom_below_the_cap() -> None:
    model = depthwise(60.0)
    graph = from_proto(model)
    names = dict.fromkeys([n.output[0] for n in caps.find_caps(graph)], 1)
    before = caps.reached(graph, measure(graph, made_up(model), names))
    equalize(graph, made_up(model), per_channel=False, steps=120, below_caps=True)
    after = caps.reached(graph, measure(graph, made_up(model), names))
    for name in names:
        free = before[name] < 1
        assert free.any() and np.all(after[name][free] <= 1.001)
        assert np.allclose(after[name][~free], before[name][~free])


def test_what_was_not_rescaled_is_closed_again() -> None:
    model = depthwise()
    graph, db = changed(model, lambda g: caps.close_caps(g, caps.open_caps(g)))
    assert operators(graph) == operators(from_proto(model)) and db > EXACT


def test_clips_that_gate_leave_or_start_below_zero_stay() -> None:
    net = Net()
    y = net.conv("x", 3, 8)
    squash = relu6(net, net.add("Add", y, net.constant(3.0)))
    swish = net.add("Mul", y, squash)
    gate = relu6(net, net.conv(net.add("GlobalAveragePool", swish), 8, 8, 1))
    y = net.conv(net.add("Mul", swish, gate), 8, 4)
    y = net.add("Clip", y, net.constant(-1.0), net.constant(1.0))
    graph = from_proto(net.model(relu6(net, net.conv(y, 4, 2))))
    assert caps.open_caps(graph) == []
