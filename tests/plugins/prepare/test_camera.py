"""The network takes pixels, and answers as it did to preprocessed pictures."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute.errors import ConverterFailed
from edgeroute.types import Preprocess
from edgeroute_plugins.prepare.camera import fold_preprocessing, mapping_of, picture
from edgeroute_plugins.prepare.exact import fidelity
from edgeroute_plugins.prepare.graph import Graph, from_proto
from tests.plugins.prepare.builders import Net, operators

IMAGENET = Preprocess(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), known=True)
UNIT = Preprocess(1 / 255, known=True)


def network(padding: int, layout: str = "NCHW") -> onnx.ModelProto:
    net = Net((1, 3, 8, 8) if layout == "NCHW" else (1, 8, 8, 3))
    x = "x" if layout == "NCHW" else net.add("Transpose", "x", perm=[0, 3, 1, 2])
    y = net.add("Relu", net.conv(x, 3, 4, pads=[padding] * 4))
    return net.model(net.conv(y, 4, 2))


def parity(model: onnx.ModelProto, preprocess: Preprocess) -> tuple[Graph, float]:
    """The folded graph, and how well it answers to pixels as the source answers to preprocessed pixels, in dB."""
    graph = from_proto(model)
    name, axis = picture(graph)
    mapping = mapping_of(preprocess, graph.shapes[name][axis])
    pixels = np.random.default_rng(0).integers(0, 256, graph.shapes[name]).astype(np.float32)
    fold_preprocessing(graph, preprocess)
    return graph, min(fidelity(model, graph.to_proto(), [{name: mapping.apply(pixels, axis)}], [{name: pixels}]).values())


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("color", ["rgb", "bgr"])
def test_answers_stay(color: str, padding: int, layout: str) -> None:
    preprocess = Preprocess(IMAGENET.scale, IMAGENET.mean, IMAGENET.std, color=color, known=True)
    graph, db = parity(network(padding, layout), preprocess)
    assert db > 100
    assert operators(graph).count("Conv") == (3 if padding else 2)


def test_factors_alone_leave_no_trace() -> None:
    graph, db = parity(network(1), UNIT)
    assert operators(graph) == ["Conv", "Relu", "Conv"]
    assert db > 100


def test_means_in_front_of_padding_use_weights_of_one() -> None:
    graph, _ = parity(network(1), IMAGENET)
    first = graph.nodes[0]
    assert np.all(graph.constants[first.input[1]] == 1)
    np.testing.assert_allclose(graph.constants[first.input[2]], [-123.675, -116.28, -103.53], rtol=1e-5)


@pytest.mark.parametrize("preprocess", [IMAGENET, Preprocess(color="bgr", known=True)])
def test_networks_that_start_otherwise_get_one_convolution(preprocess: Preprocess) -> None:
    net = Net()
    y = net.conv(net.add("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2]), 3, 2)
    graph, db = parity(net.model(y), preprocess)
    assert operators(graph) == ["Conv", "MaxPool", "Conv"]
    assert db > 100


def test_pixels_that_need_nothing_change_nothing() -> None:
    graph = from_proto(network(1))
    fold_preprocessing(graph, Preprocess(known=True))
    assert operators(graph) == ["Conv", "Relu", "Conv"]


def vector() -> onnx.ModelProto:
    net = Net((1, 7, 5))
    return net.model(net.add("Relu", "x"))


@pytest.mark.parametrize(
    "model, preprocess, words",
    [
        (network(1), Preprocess(), "not known"),
        (network(1), Preprocess(color="grey", known=True), "grey"),
        (network(1), Preprocess(mean=(1.0, 2.0), known=True), "2 means"),
        (vector(), UNIT, "no picture"),
    ],
)
def test_what_cannot_be_exact_is_refused(model: onnx.ModelProto, preprocess: Preprocess, words: str) -> None:
    with pytest.raises(ConverterFailed, match=words) as caught:
        fold_preprocessing(from_proto(model), preprocess)
    assert caught.value.code == "camera-refused"
    assert caught.value.remedy
