"""What the PyTorch plugin declares, and what it refuses before anything is built."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from edgeroute.codec import from_json
from edgeroute.resolve import resolve_function
from edgeroute.types import Converter, Facts, to_json
from edgeroute_plugins.torch_onnx import plugin, preflight
from edgeroute_plugins.torch_onnx.options import DynamoOptions, ExportOptions, LegacyOptions

EDGES = list(plugin.edgeroute_converters())


def test_every_source_kind_of_pytorch_reaches_onnx() -> None:
    reached = {c.target for c in EDGES} | {c.source for c in EDGES}
    assert {"torch-state", "safetensors", "torch-module", "torchscript", "torch-exported", "onnx"} == reached


@pytest.mark.parametrize("edge", EDGES, ids=lambda c: c.key)
def test_options_cross_the_process_border(edge: Converter) -> None:
    assert from_json(edge.options, to_json(edge.options())) == edge.options()
    assert all(f.metadata["help"] for f in dataclasses.fields(edge.options))


@pytest.mark.parametrize("edge", EDGES, ids=lambda c: c.key)
def test_preflights_are_there_and_answer(edge: Converter) -> None:
    assert isinstance(resolve_function(edge.preflight)(Facts(), edge.options()), list)


def test_weights_need_a_factory() -> None:
    (finding,) = preflight.weights(Facts(), ExportOptions())
    assert finding.code == "model-factory-needed" and "--model package.module:factory" in finding.remedy
    assert preflight.weights(Facts(), ExportOptions(model="m:f")) == []


def test_pickled_modules_and_torchscript_need_trust() -> None:
    for findings in (preflight.module(Facts(), ExportOptions()), preflight.script(Facts(), LegacyOptions())):
        assert [f.code for f in findings] == ["trust-needed"] and "--trust-pickle" in findings[0].remedy
    assert preflight.module(Facts(), ExportOptions(trust=True)) == [] == preflight.script(Facts(), LegacyOptions(trust=True))


@pytest.mark.parametrize(("opset", "dynamo", "legacy"), [(13, False, True), (17, False, True), (18, True, True), (23, True, False)])
def test_each_exporter_knows_its_opsets(opset: int, dynamo: bool, legacy: bool) -> None:
    assert (preflight.dynamo(Facts(), DynamoOptions(opset=opset)) == []) is dynamo
    assert (preflight.legacy(Facts(), LegacyOptions(opset=opset)) == []) is legacy


def test_live_objects_of_others_are_left_alone(tmp_path: Path) -> None:
    class Module:
        """Called like torch's, but not from there."""

    before = set(sys.modules)
    assert plugin.edgeroute_capture(Module(), tmp_path, None) is None
    assert plugin.edgeroute_capture([1], tmp_path, None) is None
    assert not any(name == "torch" or name.startswith("torch.") for name in set(sys.modules) - before)
