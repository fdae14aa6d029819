"""What the Keras plugin declares, and how it tells files that carry code, without Keras."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgeroute.codec import from_json
from edgeroute.runner import measure
from edgeroute.runner.request import Request
from edgeroute.types import Calibration, Converter, Facts, to_json
from edgeroute_plugins.keras_tf import options, plugin, preflight
from edgeroute_plugins.keras_tf.options import GraphOptions, KerasOptions, LiteOptions, QuantizeOptions
from edgeroute_plugins.keras_tf.screen import screen
from edgeroute_plugins.torch_onnx.options import TRUST_VARIABLE

EDGES = list(plugin.edgeroute_converters())
FILES = Path(__file__).parents[1] / "sources" / "files"


def test_keras_savedmodels_and_frozen_graphs_reach_tflite() -> None:
    assert {c.source for c in EDGES} == {"keras", "keras-h5", "graphdef", "savedmodel"}
    assert {c.target for c in EDGES} == {"savedmodel", "tflite", "tflite-int8", "tflite-int8-pt"}


@pytest.mark.parametrize("edge", EDGES, ids=lambda c: c.key)
def test_options_cross_the_process_border(edge: Converter) -> None:
    assert from_json(edge.options, to_json(edge.options())) == edge.options()


def test_the_calibration_crosses_it_too(tmp_path: Path) -> None:
    given = QuantizeOptions(calibration=Calibration(tmp_path, ("image",), 8, 2))
    assert from_json(QuantizeOptions, json.loads(json.dumps(to_json(given)))) == given


def test_runners_hear_what_core_says() -> None:
    spoken = measure.words(Request(trust_pickle=True, signature="small"))
    assert spoken == {options.TRUST_VARIABLE: "1", options.SIGNATURE_VARIABLE: "small"} and measure.words(Request()) == {}
    assert TRUST_VARIABLE == options.TRUST_VARIABLE


def keras_file(path: Path, layer: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "module": "keras", "config": {"layers": [layer]}}))
    return path


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ({"class_name": "Lambda", "module": "keras.layers", "config": {"name": "twice"}}, ["layer Lambda (twice)"]),
        ({"class_name": "TFSMLayer", "module": "keras.layers", "config": {"name": "t", "filepath": "/x"}}, ["layer TFSMLayer (t)"]),
        ({"class_name": "system", "module": "os", "config": {}}, ["class os.system"]),
        ({"class_name": "Dense", "module": "keras_evil.layers", "config": {}}, ["class keras_evil.layers.Dense"]),
        (
            {
                "class_name": "Dense",
                "module": "keras.layers",
                "config": {"kernel_initializer": {"class_name": "Zeros", "module": "keras.initializers"}},
            },
            [],
        ),
        (
            {"class_name": "Wrapper", "module": "keras.layers", "config": {"layer": {"class_name": "Lambda", "config": {}}}},
            ["layer Lambda (unnamed)"],
        ),
    ],
)
def test_layers_that_carry_code_are_told(tmp_path: Path, layer: dict[str, Any], told: list[str]) -> None:
    assert screen(keras_file(tmp_path / "net.keras", layer)) == told


@pytest.mark.parametrize("name", ["functional.keras", "sequential.keras"])
def test_models_that_keras_wrote_pass(name: str) -> None:
    assert screen(FILES / name) == []


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x05\x06" + b"\0" * 18])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.keras").write_bytes(content)
    with pytest.raises(ValueError, match="not a Keras archive"):
        screen(tmp_path / "net.keras")


def test_live_objects_of_others_are_left_alone(tmp_path: Path) -> None:
    class Model:
        """Called like Keras', but not from there."""

    before = set(sys.modules)
    assert plugin.edgeroute_capture(Model(), tmp_path, None) is None
    assert not any(name.split(".")[0] in ("keras", "tensorflow") for name in set(sys.modules) - before)


@pytest.mark.parametrize(
    ("check", "facts", "given", "codes"),
    [
        (preflight.keras, Facts(details={"holds": "model"}), KerasOptions(), []),
        (preflight.keras, Facts(details={"holds": "weights"}), KerasOptions(), ["keras-weights-only"]),
        (preflight.keras, Facts(details={"lambda_layers": 1}), KerasOptions(), ["trust-needed"]),
        (preflight.keras, Facts(details={"lambda_layers": 1}), KerasOptions(trust=True), []),
        (preflight.saved_model, Facts(details={"signatures": {"serving_default": {}, "other": {}}}), LiteOptions(), []),
        (preflight.saved_model, Facts(details={"signatures": {"only": {}}}), LiteOptions(), []),
        (preflight.saved_model, Facts(details={"signatures": {"one": {}, "two": {}}}), LiteOptions(), ["signature-unknown"]),
        (preflight.saved_model, Facts(details={"signatures": {"one": {}, "two": {}}}), LiteOptions(signature="two"), []),
        (preflight.saved_model, Facts(details={"signatures": {"one": {}}}), LiteOptions(signature="three"), ["signature-unknown"]),
        (preflight.saved_model, Facts(details={"signatures": {}}), LiteOptions(), ["signature-unknown"]),
        (preflight.saved_model, Facts(operators={"BesselJ0": 1}), LiteOptions(), ["tensorflow-operator-unsupported"]),
        (preflight.graph, Facts(details={"outside": ["ReadFile"]}), GraphOptions(), ["trust-needed"]),
        (preflight.graph, Facts(details={"outside": ["ReadFile"]}), GraphOptions(trust=True), []),
        (preflight.graph, Facts(details={"outside": []}, operators={"Svd": 2}), GraphOptions(), ["tensorflow-operator-unsupported"]),
    ],
)
def test_what_cannot_be_taken_is_known_before_an_environment_is_built(check: Any, facts: Facts, given: Any, codes: list[str]) -> None:
    found = check(facts, given)
    assert [f.code for f in found] == codes and all(f.remedy for f in found)
