"""Joined outputs come apart, and together again they are what they were."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute_plugins.prepare.exact import fidelity, made_up
from edgeroute_plugins.prepare.graph import Graph, from_proto
from edgeroute_plugins.prepare.heads import Split, split_heads, unjoin
from edgeroute_plugins.prepare.run import _rejoined
from edgeroute_plugins.prepare.statistics import session
from tests.plugins.prepare.builders import Net, changed, operators


def yolo(levels: int = 2, transposed: bool = False) -> onnx.ModelProto:
    """Boxes of 4 channels in pixels and 3 scores, joined per level, then over levels, perhaps transposed."""
    net = Net((1, 3, 16, 16))
    rows = []
    x = net.conv("x", 3, 8)
    for level in range(levels):
        x = net.add("Relu", net.conv(x, 8, 8, strides=[2, 2]))
        boxes = net.add("Mul", net.conv(x, 8, 4, 1), net.constant(100.0))
        scores = net.add("Sigmoid", net.conv(x, 8, 3, 1))
        side = 16 >> (level + 1)
        rows.append(net.add("Reshape", net.add("Concat", boxes, scores, axis=1), net.constant([1, 7, side * side], np.int64)))
    y = net.add("Concat", *rows, axis=2)
    return net.model(net.add("Transpose", y, perm=[0, 2, 1], out="out") if transposed else net.add("Identity", y, out="out"))


@pytest.mark.parametrize("transposed, axis", [(False, 1), (True, 2)])
def test_boxes_and_scores_come_apart_through_levels_and_transpositions(transposed: bool, axis: int) -> None:
    model = yolo(transposed=transposed)
    graph = from_proto(model)
    splits = split_heads(graph, made_up(model))
    assert splits == [Split("out", axis, ("out_0", "out_1"), (4, 3))]
    assert graph.output_names == ["out_0", "out_1"]
    assert "Slice" not in operators(graph)
    assert min(fidelity(model, _rejoined(graph, model, splits), made_up(model)).values()) > 100


def test_parts_of_similar_range_stay_together() -> None:
    net = Net()
    y = net.add("Concat", net.add("Sigmoid", net.conv("x", 3, 2)), net.add("Sigmoid", net.conv("x", 3, 3)), axis=1)
    graph = from_proto(net.model(y))
    assert split_heads(graph, made_up(net.model(y))) == []
    assert graph.output_names == [y]


def test_named_output_is_split_at_every_joint() -> None:
    net = Net()
    y = net.add("Concat", net.add("Sigmoid", net.conv("x", 3, 2)), net.add("Sigmoid", net.conv("x", 3, 3)), axis=1, out="y")
    model = net.model(y)
    graph = from_proto(model)
    assert split_heads(graph, made_up(model), only={"y": 1}) == [Split("y", 1, ("y_0", "y_1"), (2, 3))]
    with pytest.raises(KeyError):
        _ = graph.producers["y"]


def test_other_outputs_keep_name_and_place() -> None:
    net = Net()
    trunk = net.conv("x", 3, 4)
    first = net.add("Relu", trunk, out="first")
    y = net.add("Concat", net.add("Mul", trunk, net.constant(50.0)), net.add("Sigmoid", trunk), axis=1, out="y")
    last = net.add("Tanh", trunk, out="last")
    model = net.model(first, y, last)
    graph = from_proto(model)
    split_heads(graph, made_up(model))
    assert graph.output_names == ["first", "y_0", "y_1", "last"]
    results = session(graph.to_proto()).run(None, made_up(model)[0])
    assert [r.shape[1] for r in results] == [4, 4, 4, 4]


def test_a_join_that_is_split_again_is_computed_directly() -> None:
    net = Net((1, 3, 8, 8))
    rows = []
    for _ in range(2):
        joined = net.add("Concat", net.conv("x", 3, 4, 1), net.conv("x", 3, 2, 1), axis=1)
        rows.append(net.add("Reshape", joined, net.constant([1, 6, 64], np.int64)))
    left, right = net.add("Split", net.add("Concat", *rows, axis=2), net.constant([4, 2], np.int64), outputs=2, axis=1)
    model = net.model(net.add("Softmax", left, axis=1), net.add("Sigmoid", right))

    def step(graph: Graph) -> None:
        assert unjoin(graph) == 1

    graph, db = changed(model, step)
    assert "Split" not in operators(graph)
    assert operators(graph).count("Concat") == 2
    assert db > 100


def test_a_split_in_the_middle_of_a_layer_stays() -> None:
    net = Net()
    left, right = net.add("Split", net.conv("x", 3, 6), outputs=2, axis=1)
    graph = from_proto(net.model(net.add("Relu", left), net.add("Sigmoid", right)))
    assert unjoin(graph) == 0


def test_slices_at_a_joint_and_outputs_that_leave_are_computed_directly() -> None:
    net = Net((1, 3, 8, 8))
    rows = [net.add("Reshape", net.conv("x", 3, n, 1), net.constant([1, n, 64], np.int64)) for n in (4, 2)]
    joined = net.add("Transpose", net.add("Concat", *rows, axis=1), perm=[0, 2, 1])
    along, far = net.constant([2], np.int64), net.constant([9999], np.int64)
    boxes = net.add("Slice", joined, net.constant([0], np.int64), net.constant([4], np.int64), along, out="boxes")
    scores = net.add("Sigmoid", net.add("Slice", joined, net.constant([-2], np.int64), far, along), out="scores")
    inner = net.add("Slice", joined, net.constant([1], np.int64), net.constant([3], np.int64), along, out="inner")

    def step(graph: Graph) -> None:
        assert unjoin(graph) == 2

    graph, db = changed(net.model(boxes, scores, inner), step)
    assert operators(graph).count("Slice") == 1  # `inner` begins in the middle of a layer
    assert graph.output_names == ["boxes", "scores", "inner"]
    assert db > 100


def test_a_split_whose_results_leave_keeps_their_names() -> None:
    net = Net((1, 3, 8, 8))
    joined = net.add("Concat", net.conv("x", 3, 4, 1), net.conv("x", 3, 2, 1), axis=1)
    boxes, scores = net.add("Split", joined, net.constant([4, 2], np.int64), outputs=2, axis=1)

    def step(graph: Graph) -> None:
        assert unjoin(graph) == 1

    graph, db = changed(net.model(boxes, scores), step)
    assert operators(graph) == ["Conv", "Conv"]
    assert graph.output_names == [boxes, scores]
    assert db > 100
