"""Activations in two scales: the sum is what it was."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute_plugins.prepare.equalize import equalize
from edgeroute_plugins.prepare.fine import find_tails, plan_splits, split_early
from edgeroute_plugins.prepare.fold import fold
from edgeroute_plugins.prepare.gates import find_gates, open_gates
from edgeroute_plugins.prepare.graph import Graph, from_proto
from edgeroute_plugins.prepare.rewrite import rewrite
from tests.plugins.prepare.builders import Net, changed, operators


def tailed(kind: str) -> onnx.ModelProto:
    """A stem whose activations are mostly small: the input is calm but for one corner."""
    net = Net((1, 3, 16, 16))
    x = net.conv("x", 3, 8)
    y = {
        "relu": lambda: net.add("Relu", x),
        "silu": lambda: net.add("Mul", x, net.add("Sigmoid", x)),
        "hard-swish": lambda: net.add("HardSwish", x),
    }[kind]()
    for _ in range(6):
        y = net.add("Relu", net.conv(y, 8, 8))
    return net.model(y)


def calm(count: int = 3) -> list[dict[str, np.ndarray]]:
    feeds = []
    for seed in range(count):
        value = 0.1 * np.random.default_rng(seed).normal(size=(1, 3, 16, 16))
        value[:, :, :2, :2] *= 100
        feeds.append({"x": value.astype(np.float32)})
    return feeds


@pytest.mark.parametrize("kind", ["relu", "silu", "hard-swish"])
def test_both_parts_make_the_whole(kind: str) -> None:
    model = tailed(kind)
    done = []

    def step(graph: Graph) -> None:
        rewrite(graph)
        fold(graph)
        done.extend(split_early(graph, calm(), 2.0))
        if kind != "relu":
            assert len(find_gates(graph)) == 2
        assert open_gates(graph) == (0 if kind == "relu" else 2)
        equalize(graph, calm(), False, steps=60)

    graph, db = changed(model, step)
    assert len(done) == 2
    assert operators(graph).count("Min") == len(done)
    assert db > 100


def test_short_tails_and_small_budgets_change_nothing() -> None:
    model = tailed("relu")
    assert split_early(from_proto(model), calm(), 0.001) == []
    net = Net((1, 3, 8, 8))
    y = net.conv(net.add("Relu", net.conv("x", 3, 4, 1)), 4, 2)
    graph = from_proto(net.model(y))
    flat = [{"x": np.ones((1, 3, 8, 8), np.float32)}]
    assert find_tails(graph)
    assert plan_splits(graph, find_tails(graph), flat) == []
