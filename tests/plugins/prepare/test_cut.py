"""The network ends where it was told to, or where selection begins."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.prepare.cut import cut, find_cut
from edgeroute_plugins.prepare.graph import from_proto
from tests.plugins.prepare.builders import Net, operators


def detector() -> onnx.ModelProto:
    net = Net()
    x = net.conv("x", 3, 6)
    boxes = net.add("Reshape", net.conv(x, 6, 4, 1), net.constant([1, 64, 4], np.int64), out="boxes")
    scores = net.add("Reshape", net.add("Sigmoid", net.conv(x, 6, 2, 1)), net.constant([1, 2, 64], np.int64), out="scores")
    keep = net.add("NonMaxSuppression", boxes, scores, net.constant([10], np.int64), net.constant(0.5), net.constant(0.1))
    other = net.add("Relu", x, out="other")
    return net.model(net.add("Cast", keep, to=onnx.TensorProto.FLOAT, out="kept"), other)


def test_post_processing_goes_and_its_operands_become_outputs() -> None:
    graph = from_proto(detector())
    assert find_cut(graph) == ["other", "boxes", "scores"]
    assert cut(graph) == ["other", "boxes", "scores"]
    assert graph.output_names == ["other", "boxes", "scores"]
    assert "NonMaxSuppression" not in operators(graph)
    onnx.checker.check_model(graph.to_proto())


def test_named_tensors_become_the_outputs() -> None:
    graph = from_proto(detector())
    assert cut(graph, ["scores"]) == ["scores"]
    assert operators(graph) == ["Conv", "Conv", "Sigmoid", "Reshape"]


def test_nothing_to_cut_and_unknown_names_are_refused() -> None:
    net = Net()
    graph = from_proto(net.model(net.conv("x", 3, 2)))
    with pytest.raises(ConverterFailed) as nothing:
        cut(graph)
    with pytest.raises(ConverterFailed) as unknown:
        cut(graph, ["nowhere"])
    assert (nothing.value.code, unknown.value.code) == ("cut-nothing", "cut-unknown")
