"""Folding leaves fewer operators and the same outputs."""

from __future__ import annotations

import numpy as np
import pytest

from edgeroute_plugins.prepare.fold import fold
from tests.plugins.prepare.builders import Net, changed, operators

EXACT = 100.0


def test_factors_and_sums_behind_a_convolution_fold_into_it() -> None:
    net = Net()
    y = net.conv("x", 3, 5)
    y = net.add("Mul", net.constant(np.linspace(0.5, 2, 5).reshape(5, 1, 1)), y)
    y = net.add("Sub", y, net.constant([[[[0.3]]]]))
    y = net.add("Div", y, net.constant(6.0))
    graph, db = changed(net.model(y), fold)
    assert operators(graph) == ["Conv"]
    assert db > EXACT


def test_batch_norm_folds_into_the_convolution_before_it() -> None:
    net = Net()
    y = net.conv("x", 3, 4)
    parameters = [net.constant(v) for v in ([1.0, 2, 3, -1], [0.1, 0, 0, 1], [0.5, 0, 1, 2], [1.0, 4, 0.1, 9])]
    y = net.add("BatchNormalization", y, *parameters)
    graph, db = changed(net.model(y), fold)
    assert operators(graph) == ["Conv"]
    assert db > EXACT


def test_batch_norm_in_front_of_a_padded_convolution_keeps_only_its_sum() -> None:
    net = Net()
    parameters = [net.constant(v) for v in ([1.0, 2, 3], [0.1, 0, 1], [0.5, 0, 1], [1.0, 4, 0.1])]
    y = net.conv(net.add("BatchNormalization", "x", *parameters), 3, 4)
    graph, db = changed(net.model(y), fold)
    assert operators(graph) == ["Add", "Conv"]
    assert db > EXACT


def test_sum_in_front_of_an_unpadded_convolution_becomes_bias() -> None:
    net = Net()
    y = net.conv(net.add("Add", "x", net.constant(np.array([1.0, -2, 3]).reshape(3, 1, 1))), 3, 4, pads=[0, 0, 0, 0])
    graph, db = changed(net.model(y), fold)
    assert operators(graph) == ["Conv"]
    assert db > EXACT


def test_grouped_and_transposed_convolutions_keep_their_channel_order() -> None:
    net = Net((1, 4, 8, 8))
    y = net.conv("x", 4, 6, group=2)
    y = net.add("Mul", y, net.constant(np.arange(1.0, 7).reshape(6, 1, 1)))
    weights = net.constant(net.random.normal(size=(6, 2, 2, 2)))
    y = net.add("ConvTranspose", y, weights, group=3, strides=[2, 2])
    y = net.add("Mul", y, net.constant(np.arange(1.0, 7).reshape(6, 1, 1)))
    graph, db = changed(net.model(y), fold)
    assert operators(graph) == ["Conv", "ConvTranspose"]
    assert db > EXACT


def test_factor_travels_back_through_rectifier_and_pool() -> None:
    net = Net()
    y = net.add("Relu", net.conv("x", 3, 4))
    y = net.add("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = net.add("Mul", y, net.constant(np.array([1.0, 2, 3, 4]).reshape(4, 1, 1)))
    graph, db = changed(net.model(net.add("Sigmoid", y)), fold)
    assert operators(graph) == ["Conv", "Relu", "MaxPool", "Sigmoid"]
    assert db > EXACT


def test_negative_factor_does_not_pass_a_rectifier() -> None:
    net = Net()
    y = net.add("Mul", net.add("Relu", net.conv("x", 3, 2)), net.constant(np.array([1.0, -2]).reshape(2, 1, 1)))
    graph, db = changed(net.model(net.add("Sigmoid", y)), fold)
    assert "Mul" in operators(graph)
    assert db > EXACT


def test_factor_of_a_gate_sinks_into_the_next_convolution() -> None:
    net = Net()
    trunk = net.conv("x", 3, 4)
    gate = net.add("Mul", net.add("Sigmoid", net.add("GlobalAveragePool", trunk)), net.constant(1 / 6))
    y = net.conv(net.add("Mul", trunk, gate), 4, 2)
    graph, db = changed(net.model(y), fold)
    assert operators(graph).count("Mul") == 1
    assert db > EXACT


def test_shared_weights_are_not_scaled_twice() -> None:
    net = Net((1, 3, 8, 8))
    weights = net.constant(net.random.normal(size=(3, 3, 3, 3)))
    y = net.add("Conv", "x", weights, pads=[1, 1, 1, 1])
    y = net.add("Mul", y, net.constant(2.0))
    y = net.add("Conv", y, weights, pads=[1, 1, 1, 1])
    y = net.add("Mul", y, net.constant(3.0))
    graph, db = changed(net.model(y), fold)
    assert operators(graph) == ["Conv", "Conv"]
    assert db > EXACT


def test_result_that_leaves_the_graph_keeps_its_name_and_value() -> None:
    net = Net()
    inner = net.conv("x", 3, 4)
    y = net.add("Mul", inner, net.constant(2.0))
    graph, db = changed(net.model(inner, y), fold)
    assert graph.output_names == [inner, y]
    assert db > EXACT


def test_constant_that_enlarges_its_operand_stays() -> None:
    net = Net((1, 3, 8, 1))
    y = net.add("Add", net.conv("x", 3, 3, 1, pads=[0, 0, 0, 0]), net.constant(np.ones((1, 3, 8, 5))))
    graph, db = changed(net.model(y), fold)
    assert operators(graph) == ["Conv", "Add"]
    assert db > EXACT


@pytest.mark.parametrize("value, fused", [(0.0, True), (1.0, False)])
def test_only_zero_padding_is_fused(value: float, fused: bool) -> None:
    net = Net()
    pads = net.constant([0, 0, 0, 0, 0, 0, 1, 1], np.int64)
    y = net.conv(net.add("Pad", "x", pads, net.constant(value)), 3, 4, strides=[2, 2], pads=[0, 0, 0, 0])
    graph, db = changed(net.model(y), fold)
    assert ("Pad" not in operators(graph)) == fused
    assert db > EXACT


def test_padding_fuses_into_a_pool_only_behind_a_rectifier() -> None:
    for before, fused in (("Relu", True), ("Tanh", False)):
        net = Net()
        pads = net.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)
        y = net.add("MaxPool", net.add("Pad", net.add(before, "x"), pads), kernel_shape=[3, 3], strides=[2, 2])
        graph, db = changed(net.model(y), fold)
        assert ("Pad" not in operators(graph)) == fused
        assert db > EXACT
