"""Activations in two scales: the sum is what it was."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute_plugins.prepare.equalize import equalize
from edgeroute_plugins.prepare.exact import fidelity
from edgeroute_plugins.prepare.fine import Plan, find_tails, left_over, plan_early, plan_splits, split_tail
from edgeroute_plugins.prepare.fold import fold
from edgeroute_plugins.prepare.gates import find_gates, open_gates
from edgeroute_plugins.prepare.graph import Graph, from_proto
from edgeroute_plugins.prepare.rewrite import rewrite
from tests.plugins.prepare.builders import Net, changed, operators

KINDS = ("relu", "relu6", "silu", "hard-swish")


def tailed(kind: str, depthwise: bool = False) -> onnx.ModelProto:
    """A stem whose activations are mostly small, read by a dense or a depthwise layer: the input is calm but for one corner."""
    net = Net((1, 3, 16, 16))

    def active(x: str) -> str:
        if kind == "silu":
            return str(net.add("Mul", x, net.add("Sigmoid", x)))
        if kind == "relu6":
            return str(net.add("Clip", x, net.constant(np.float32(0)), net.constant(np.float32(6))))
        return str(net.add("HardSwish" if kind == "hard-swish" else "Relu", x))

    y = active(net.conv("x", 3, 8))
    if depthwise:
        y = active(net.conv(y, 8, 8, group=8))
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


def split_all(graph: Graph, feeds: list[dict[str, np.ndarray]]) -> list[Plan]:
    plans = plan_early(graph, feeds)
    for plan in plans:
        split_tail(graph, plan)
    return plans


@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_make_the_whole(kind: str) -> None:
    model = tailed(kind)
    done: list[Plan] = []

    def step(graph: Graph) -> None:
        rewrite(graph)
        fold(graph)
        done.extend(split_all(graph, calm()))
        gated = 1 if kind in ("silu", "hard-swish") else 0
        assert len(find_gates(graph)) == gated + sum(plan.tail.gate is not None for plan in done)
        assert open_gates(graph) == len(find_gates(graph))
        equalize(graph, calm(), False, steps=60)

    graph, db = changed(model, step)
    assert len(done) == 2
    assert operators(graph).count("Min") == len(done)
    assert db > 100
    assert min(fidelity(model, graph.to_proto(), calm()).values()) > 100


def test_what_reads_channel_by_channel_is_no_reason_to_split() -> None:
    graph = from_proto(tailed("relu", depthwise=True))
    stem = next(n for n in graph.nodes if n.op_type == "Relu")
    assert stem.output[0] not in [t.result for t in find_tails(graph)]


def test_both_parts_of_a_gated_activation_can_be_rescaled() -> None:
    """The fine part's bound is a minimum in front of the gate: it bounds what the gate multiplies, and is none itself."""
    model = tailed("hard-swish")

    def scales_of(graph: Graph) -> list[np.ndarray]:
        return [graph.constants[g.shift.input[1]] for g in find_gates(graph)]

    def step(graph: Graph) -> None:
        rewrite(graph)
        fold(graph)
        split_all(graph, calm())
        open_gates(graph)
        equalize(graph, calm(), False, steps=60)

    graph, _ = changed(model, step)
    assert all(np.ptp(scales) > 0.01 for scales in scales_of(graph))


def test_what_never_fires_is_left_alone() -> None:
    net = Net((1, 3, 8, 8))
    graph = from_proto(net.model(net.conv(net.add("Relu", net.conv("x", 3, 4, 1)), 4, 2)))
    tail = find_tails(graph)[0]
    layer = graph.producer(tail.source)
    graph.set_constant(layer, 2, np.full(4, -1e6, np.float32))
    assert plan_splits(graph, [tail], calm8()) == []


def calm8() -> list[dict[str, np.ndarray]]:
    return [{"x": np.zeros((1, 3, 8, 8), np.float32)}]


@pytest.mark.parametrize(
    ("share", "beyond", "below", "left"),
    [(0.5, 0.0, 0.0, 0.25), (0.5, 1.0, 0.0, 0.25), (0.2, 0.01, 0.0, 0.0460), (0.5, 0.0, 1.0, 0.5625)],
)
def test_what_is_left_of_the_noise(share: float, beyond: float, below: float, left: float) -> None:
    assert left_over(share, beyond, below) == pytest.approx(left, abs=1e-4)
