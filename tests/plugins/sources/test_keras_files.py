"""Keras files: inputs and layers from the description, for archives and for HDF5."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgeroute.errors import SourceError
from edgeroute.types import Facts
from edgeroute_plugins.sources.keras_files import HDF5_MAGIC
from edgeroute_plugins.sources.plugin import edgeroute_recognize
from tests.plugins.sources.test_plugin import facts


def layer(name: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": name, "config": {"name": name.lower(), **config}}


def keras(path: Path, config: Any) -> Facts:
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        out.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        out.writestr("model.weights.h5", b"")
    found = edgeroute_recognize(path)
    assert found is not None and found.format == "keras"
    return found.facts


def test_a_sequential_model() -> None:
    found = facts("sequential.keras")
    (image,) = found.inputs
    assert (image.name, image.shape, image.dtype, image.layout) == ("input_layer", (None, 28, 28, 1), "float32", "NHWC")
    assert found.operators == {"InputLayer": 1, "Conv2D": 1, "GlobalAveragePooling2D": 1, "Dense": 1}
    assert found.details["keras_version"].startswith("3.") and found.details["dynamic_dims"] == ["input_layer"]


@pytest.mark.parametrize("name", ["functional.keras", "functional.h5"])
def test_a_functional_model_keeps_the_order_of_its_inputs(name: str) -> None:
    found = facts(name)
    assert [(t.name, t.shape) for t in found.inputs] == [("zebra", (None, 16, 16, 3)), ("ant", (None, 4))]
    assert found.details["output_layers"] == ["o1", "o2"] and found.details["holds"] == "model"
    assert found.operators["Dense"] == 2 and "Adam" not in found.operators


def test_weights_alone_are_an_error_of_their_own() -> None:
    found = facts("only.weights.h5")
    assert found.details["holds"] == "weights"
    assert [f.code for f in found.findings] == ["keras-weights-only"]


def test_a_description_of_keras_2(tmp_path: Path) -> None:
    config = {"class_name": "Sequential", "config": [layer("Conv2D", batch_input_shape=[None, 8, 8, 3], dtype="float32"), layer("Flatten")]}
    path = tmp_path / "old.h5"
    path.write_bytes(
        HDF5_MAGIC + b"\0\1optimizer_config" + b'{"class_name": "Adam", "config": {}}' + b"\0" + json.dumps(config).encode() + b"\0\0"
    )
    found = edgeroute_recognize(path)
    assert found is not None
    assert [(t.name, t.shape) for t in found.facts.inputs] == [("conv2d", (None, 8, 8, 3))]
    assert found.facts.operators == {"Conv2D": 1, "Flatten": 1}


def test_nested_models_are_unfolded_and_lambdas_counted(tmp_path: Path) -> None:
    inner = {
        "class_name": "Functional",
        "config": {"layers": [layer("InputLayer", batch_shape=[None, 4]), layer("Lambda"), layer("Dense")]},
    }
    outer = {
        "class_name": "Functional",
        "config": {"layers": [layer("InputLayer", batch_shape=[None, 4]), inner], "input_layers": ["inputlayer", 0, 0]},
    }
    found = keras(tmp_path / "m.keras", outer)
    assert found.operators == {"InputLayer": 1, "Lambda": 1, "Dense": 1} and found.details["lambda_layers"] == 1


def test_a_model_that_was_built_without_an_input_layer(tmp_path: Path) -> None:
    config = {"class_name": "Mine", "config": {}, "build_config": {"input_shape": [1, 32, 32, 3]}, "registered_name": "pkg>Mine"}
    assert keras(tmp_path / "m.keras", config).inputs[0].shape == (1, 32, 32, 3)


@pytest.mark.parametrize(
    "config", ["[]", "5", "null", '{"config": 5}', '{"config": {"layers": [5, {"config": 1}]}}', '{"config": {"input_layers": [[], 5]}}']
)
def test_odd_descriptions_have_no_inputs(tmp_path: Path, config: str) -> None:
    assert keras(tmp_path / "m.keras", config).inputs == ()


@pytest.mark.parametrize("config", ["", "{", "[" * 100_000])
def test_damaged_descriptions(tmp_path: Path, config: str) -> None:
    with pytest.raises(SourceError) as caught:
        keras(tmp_path / "m.keras", config)
    assert caught.value.code == "keras-damaged"
