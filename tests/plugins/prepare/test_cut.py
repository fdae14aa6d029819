"""The network ends where it was told to, or where selection begins."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest

from edgeroute import api, paths
from edgeroute.environments import Environments
from edgeroute.errors import ConverterFailed
from edgeroute.workshop import open_workshop
from edgeroute_plugins.prepare.cut import cut, find_cut, pin
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


def test_shapes_that_only_a_run_shows_are_observed() -> None:
    """A tensor that is reshaped to a computed size, from an input of open size, as exporters write it."""
    net = Net()
    size = net.add("Concat", net.add("Shape", "x", start=0, end=1), net.constant([-1], np.int64), axis=0)
    scores = net.add("Reshape", net.add("Sigmoid", net.conv("x", 3, 2, 1)), size, out="scores")
    anchors = net.add("ConstantOfShape", net.add("Shape", "x"), out="anchors")
    best, places = net.add(
        "TopK", net.add("Add", scores, net.add("ReduceSum", anchors, keepdims=0)), net.constant([3], np.int64), outputs=2
    )
    model = net.model(best, places)
    for i, side in ((0, "n"), (2, "h"), (3, "w")):
        model.graph.input[0].type.tensor_type.shape.dim[i].dim_param = side
    graph = from_proto(model, raised=False)
    with pytest.raises(ConverterFailed) as unknown:
        pin(graph, {})
    assert unknown.value.code == "input-shape-needed" and "--input-shape x:1,3,H,W" in unknown.value.remedy
    pin(graph, {"x": (1, 3, 8, 8)})
    (end,) = cut(graph)
    assert [d.dim_value for d in graph.proto.graph.output[0].type.tensor_type.shape.dim] == [1, 128]
    assert end == model.graph.node[-1].input[0] and "TopK" not in operators(graph)


def test_what_the_body_of_a_loop_reaches_for_is_a_place_to_cut() -> None:
    net = Net()
    scores = net.add("Sigmoid", net.conv("x", 3, 2, 1), out="scores")
    body = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["go"], ["on"]), onnx.helper.make_node("Relu", ["scores"], ["kept"])],
        "body",
        [
            onnx.helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            onnx.helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
        ],
        [onnx.helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, []), onnx.ValueInfoProto(name="kept")],
    )
    rows = net.add("Loop", net.constant(3, np.int64), "", body=body)
    graph = from_proto(net.model(net.add("Relu", rows)))
    assert cut(graph) == [scores]


def test_a_size_that_does_not_fit_is_told_with_the_option() -> None:
    net = Net()
    scores = net.add("Reshape", net.conv("x", 3, 2, 1), net.constant([1, 128], np.int64))
    graph = from_proto(net.model(*net.add("TopK", scores, net.constant([3], np.int64), outputs=2)))
    pin(graph, {"x": (1, 3, 9, 9)})
    with pytest.raises(ConverterFailed) as caught:
        cut(graph)
    assert caught.value.code == "onnx-does-not-run" and "--input-shape" in caught.value.remedy


def test_an_untouched_output_of_whole_numbers_stays() -> None:
    net = Net()
    x = net.conv("x", 3, 2, 1)
    count = net.add("Cast", net.add("Relu", x), to=onnx.TensorProto.INT32, out="count")
    best, places = net.add("TopK", x, net.constant([3], np.int64), outputs=2)
    assert cut(from_proto(net.model(count, best, places)))[0] == "count"


def test_single_numbers_stay_single_numbers() -> None:
    net = Net()
    graph = from_proto(net.model(net.add("Mul", net.conv("x", 3, 2), net.constant(2.0))))
    assert [list(i.dims) for i in graph.to_proto().graph.initializer][-1] == []


def test_nothing_to_cut_and_unknown_names_are_refused() -> None:
    net = Net()
    graph = from_proto(net.model(net.conv("x", 3, 2)))
    with pytest.raises(ConverterFailed) as nothing:
        cut(graph)
    with pytest.raises(ConverterFailed) as unknown:
        cut(graph, ["nowhere"])
    assert (nothing.value.code, unknown.value.code) == ("cut-nothing", "cut-unknown")


def labels() -> onnx.ModelProto:
    """A segmentation that gives the number of the class for each place, and what it was chosen from only inside."""
    net = Net()
    x = net.add("Relu", net.conv("x", 3, 6), out="/body/other")
    scores = net.add("Sigmoid", net.conv(x, 6, 4, 1), out="/head/scores")
    return net.model(net.add("Cast", net.add("ArgMax", scores, axis=1), to=onnx.TensorProto.FLOAT, out="classes"), x)


@pytest.mark.real
@pytest.mark.parametrize(("at", "ends"), [((), {"/body/other", "/head/scores"}), (("/head/scores",), {"/head/scores"})])
def test_a_network_that_was_cut_is_held_against_the_tensors_of_its_source(tmp_path: Path, at: tuple[str, ...], ends: set[str]) -> None:
    source = tmp_path / "labels.onnx"
    onnx.save(labels(), source)
    shop = open_workshop(root=tmp_path / "home")
    shop = dataclasses.replace(shop, environments=Environments(paths.environments(), shop.catalog.environments))
    result = api.convert(source, "cpu", out=tmp_path / "cut.tflite", via=("cut",), options={"cut": {"at": at}} if at else {}, workshop=shop)
    measured = [s.verification for s in result.steps if s.verification is not None]
    assert [s.converter for s in result.steps][:2] == ["cut", "onnxslim"]
    assert all({o.name for o in v.outputs} == ends and min(o.sqnr_db for o in v.outputs) > 80 for v in measured)
    assert api.verify(tmp_path / "cut.tflite", source=source, workshop=shop).ok
