"""Equalization reaches through everything that scales, and changes no output."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeroute_plugins.prepare.channels import EMPTY, PINNED, classify
from edgeroute_plugins.prepare.equalize import equalize, is_quantized
from edgeroute_plugins.prepare.exact import made_up
from edgeroute_plugins.prepare.graph import Graph, from_proto
from tests.plugins.prepare.builders import Net, changed

EXACT = 100.0


def free(graph: Graph) -> set[int]:
    classes = classify(graph)
    return {int(r) for name in classes.of for r in classes.roots(name).flat} - {PINNED, EMPTY}


def equalized(model: onnx.ModelProto, per_channel: bool) -> tuple[Graph, float, float]:
    """The graph, its fidelity, and the predicted gain in dB."""
    gains = []

    def step(graph: Graph) -> None:
        done = equalize(graph, made_up(model), per_channel, steps=120)
        gains.append(done.before - done.after)

    graph, db = changed(model, step)
    return graph, db, gains[0]


def chain() -> onnx.ModelProto:
    net = Net()
    y = net.add("Relu", net.conv("x", 3, 16, spread=2.0))
    y = net.add("Relu", net.conv(y, 16, 16, group=16, spread=2.0))
    return net.model(net.conv(y, 16, 4, 1))


def residual() -> onnx.ModelProto:
    net = Net()
    stem = net.conv("x", 3, 8, spread=1.5)
    y = net.add("Relu", net.conv(stem, 8, 8, spread=1.5))
    y = net.add("Add", stem, net.conv(y, 8, 8, spread=1.0))
    return net.model(net.conv(y, 8, 4, 1))


def joined() -> onnx.ModelProto:
    """Concatenation, split, upsampling and an average over a squeeze-excite gate."""
    net = Net()
    left, right = net.conv("x", 3, 4, spread=1.5), net.add("LeakyRelu", net.conv("x", 3, 4, spread=1.5))
    y = net.add("Concat", left, right, axis=1)
    gate = net.add("Sigmoid", net.conv(net.add("GlobalAveragePool", y), 8, 8, 1))
    first, second = net.add("Split", net.add("Mul", y, gate), outputs=2, axis=1)
    scales = net.constant([1, 1, 2, 2])
    first = net.add("Resize", first, "", scales, mode="nearest")
    return net.model(net.conv(first, 4, 2), net.conv(second, 4, 2))


def shuffled() -> onnx.ModelProto:
    net = Net()
    y = net.add("Relu", net.conv("x", 3, 8, spread=1.5))
    y = net.add("Reshape", y, net.constant([1, 2, 4, 8, 8], np.int64))
    y = net.add("Reshape", net.add("Transpose", y, perm=[0, 2, 1, 3, 4]), net.constant([1, 8, 8, 8], np.int64))
    y = net.add("Relu", net.conv(y, 8, 8, group=2, spread=1.0))
    y = net.add("Flatten", y)
    return net.model(net.add("Gemm", y, net.constant(net.random.normal(size=(5, 512)) / 20), transB=1))


def padded() -> onnx.ModelProto:
    """A residual sum whose short branch is padded with empty channels."""
    net = Net()
    stem = net.add("Relu", net.conv("x", 3, 4, spread=1.5))
    wide = net.add("Pad", stem, net.constant([0, 0, 0, 0, 0, 2, 0, 0], np.int64))
    y = net.add("Relu", net.add("Add", wide, net.conv(stem, 4, 6, spread=1.0)))
    return net.model(net.conv(y, 6, 2))


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("build, classes", [(chain, 32), (residual, 16), (joined, 8), (shuffled, 16), (padded, 6)])
def test_outputs_stay_and_noise_falls(build: object, classes: int, per_channel: bool) -> None:
    model = build()  # type: ignore[operator]
    assert len(free(from_proto(model))) == classes
    _, db, gain = equalized(model, per_channel)
    assert db > EXACT
    assert gain > 0.5


def test_what_does_not_scale_is_pinned() -> None:
    for op in ("Sigmoid", "Tanh", "HardSwish", "Softplus"):
        net = Net()
        y = net.conv(net.add(op, net.conv("x", 3, 4, spread=1.0)), 4, 2)
        assert free(from_proto(net.model(y))) == set()


def test_outputs_are_pinned_through_sums() -> None:
    net = Net()
    inner = net.add("Relu", net.conv("x", 3, 4))
    y = net.add("Add", inner, net.conv(inner, 4, 4))
    assert free(from_proto(net.model(y))) == set()


def test_equalized_channels_use_the_range() -> None:
    model = chain()
    graph, _, _ = equalized(model, True)
    first = next(n for n in graph.nodes if n.op_type == "Conv")
    rows = np.abs(graph.constants[first.input[1]]).max(axis=(1, 2, 3))
    before = from_proto(model)
    raw = np.abs(before.constants[before.nodes[0].input[1]]).max(axis=(1, 2, 3))
    assert np.log(rows).std() < 0.75 * np.log(raw).std()


def test_tensors_that_merge_or_share_a_scale_are_not_counted_as_stored() -> None:
    net = Net()
    y = net.conv("x", 3, 8)
    rectified = net.add("Relu", y)
    capped = net.add("Min", rectified, net.constant(np.full((1, 8, 1, 1), 2.0)))
    graph = from_proto(net.model(net.conv(capped, 8, 4)))
    assert [is_quantized(graph, name) for name in (y, rectified, capped)] == [False, False, True]
