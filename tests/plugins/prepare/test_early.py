"""Which activations are computed in two scales: those whose rounding was measured to cost most."""

from __future__ import annotations

import numpy as np
import pytest

from edgeroute_plugins.prepare import rounding
from edgeroute_plugins.prepare.early import PAYS, Gain, chosen, gains
from edgeroute_plugins.prepare.fine import Plan, plan_early, total_macs
from edgeroute_plugins.prepare.graph import Graph, from_proto
from edgeroute_plugins.prepare.statistics import measure
from tests.plugins.prepare.builders import Net
from tests.plugins.prepare.test_fine import calm, tailed


def ranges_of(graph: Graph, feeds: list[dict[str, np.ndarray]]) -> dict[str, tuple[float, float]]:
    found = measure(graph, feeds, {name: None for name in graph.shapes if name not in graph.constants})
    return rounding.widths(graph, found)


def test_rounding_one_tensor_costs_what_arithmetic_says() -> None:
    """y = 2 x: the noise of x in 255 steps of its range, over the signal's variance."""
    net = Net((1, 1, 64, 64))
    middle = net.add("Mul", "x", net.constant(np.float32(1)))
    graph = from_proto(net.model(net.add("Mul", middle, net.constant(np.float32(2)))))
    feeds = [{"x": np.random.default_rng(0).uniform(0, 1, (1, 1, 64, 64)).astype(np.float32)}]
    ranges = ranges_of(graph, feeds)
    alone, nothing = rounding.noise(graph, [[middle], []], ranges, feeds)
    step = (ranges[middle][1] - ranges[middle][0]) / 255
    assert alone == pytest.approx(step**2 / 12 / feeds[0]["x"].var(), rel=0.1)
    assert nothing == 0


def test_an_output_can_be_rounded_too_and_a_gates_input_needs_no_range_below_its_floor() -> None:
    net = Net((1, 3, 8, 8))
    x = net.conv("x", 3, 4)
    y = net.add("Mul", x, net.add("Sigmoid", x))
    graph = from_proto(net.model(y))
    feeds = [{"x": 40 * np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)}]
    ranges = ranges_of(graph, feeds)
    assert ranges[x][0] == -6.0 and ranges[x][1] > 6
    assert rounding.noise(graph, [[y]], ranges, feeds)[0] > 0


def test_the_stem_of_a_calm_picture_is_what_costs() -> None:
    graph = from_proto(tailed("relu"))
    plans = plan_early(graph, calm())
    found = gains(graph, plans, calm())
    assert [g.plan for g in found] == plans
    assert found[0].saved > PAYS
    assert found[0].plan in chosen(graph, found, 2.0)


def a_plan(graph: Graph, macs: int, number: int) -> Plan:
    tail = plan_early(graph, calm())[number].tail
    return Plan(tail, np.ones(8), 0.25, macs)


def test_the_largest_gains_that_the_budget_allows_are_taken_in_the_networks_order() -> None:
    graph = from_proto(tailed("relu"))
    whole = total_macs(graph)
    small, large = a_plan(graph, whole // 20, 0), a_plan(graph, whole // 4, 1)
    assert chosen(graph, [Gain(small, 0.3), Gain(large, 0.6)], 0.5) == [small, large]
    assert chosen(graph, [Gain(small, 0.3), Gain(large, 0.6)], 0.1) == [small]
    assert chosen(graph, [Gain(small, 0.3), Gain(large, 0.6)], 0.26) == [large]


def test_what_does_not_pay_is_not_split() -> None:
    graph = from_proto(tailed("relu"))
    plan = a_plan(graph, 1, 0)
    assert chosen(graph, [Gain(plan, PAYS / 2)], 1.0) == []
    other = a_plan(graph, 1, 1)
    assert chosen(graph, [Gain(plan, 2 * PAYS), Gain(other, 0.0)], 1.0) == [plan]


def test_a_network_without_noise_or_plans_has_nothing_to_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = from_proto(tailed("relu"))
    assert gains(graph, [], calm()) == []
    monkeypatch.setattr(rounding, "noise", lambda _, groups, *__: [0.0] * len(groups))
    assert gains(graph, plan_early(graph, calm()), calm()) == []
