"""`onnx2tflite` is found or its absence explained, called as either generation wants it, and kept from what it computes wrongly."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession

from edgeroute.codec import from_json
from edgeroute.errors import ConverterFailed, EnvironmentFailed
from edgeroute.types import Environment, Facts, to_json
from edgeroute_plugins.onnx2tflite import plugin, run
from edgeroute_plugins.onnx2tflite.options import Options
from edgeroute_plugins.onnx2tflite.preflight import preflight
from tests.nets import onnx_nets

OLD = """
from pathlib import Path
def onnx_converter(onnx_model_path, output_path=None, input_node_names=None, output_node_names=None, need_simplify=True,
                   target_formats=("keras", "tflite"), native_groupconv=False, int8_model=False, image_root=None):
    assert target_formats == ["tflite"] and need_simplify is False and native_groupconv is True
    Path(output_path, "model.tflite").write_bytes(b"old")
    return {"keras": None, "tflite": output_path + "/model.tflite", "keras_error": 0, "tflite_error": 0}
"""
NEW = OLD.replace("image_root=None", "calibration_data=None, use_direct_ir=False").replace('b"old"', 'b"new"')
STOPPING = "def onnx_converter(onnx_model_path, output_path=None):\n    raise KeyError('Einsum not implemented yet')\n"
SILENT = "def onnx_converter(onnx_model_path, output_path=None):\n    return {'tflite': None}\n"


def clone(folder: Path, code: str) -> str:
    """A stand-in for the tool's clone."""
    (folder / "onnx2tflite").mkdir()
    (folder / "onnx2tflite" / "__init__.py").write_text(code)
    return str(folder)


@pytest.fixture
def _unimported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "onnx2tflite", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.usefixtures("_unimported")
@pytest.mark.parametrize(("code", "generation"), [(OLD, "V2.0"), (NEW, "rewrite")])
def test_both_generations_are_called_as_they_want(tmp_path: Path, code: str, generation: str) -> None:
    convert = run.find_tool(clone(tmp_path, code))
    assert run.generation(convert) == generation
    written = run.call(convert, tmp_path / "model.onnx", tmp_path, Options(native_groupconv=True))
    assert written is not None and written.read_bytes() == code.split('write_bytes(b"')[1][:3].encode()
    del sys.modules["onnx2tflite"]


@pytest.mark.usefixtures("_unimported")
def test_the_loose_modules_of_before_2024_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "converter", raising=False)
    (tmp_path / "converter.py").write_text(OLD.replace('return {"keras"', 'return 0.0 and {"keras"'))
    convert = run.find_tool(str(tmp_path))
    assert run.generation(convert) == "V1"
    written = run.call(convert, tmp_path / "model.onnx", tmp_path, Options(native_groupconv=True))
    assert written == tmp_path / "model.tflite"
    del sys.modules["converter"]


def test_the_copy_for_the_tool_is_spelled_out_and_computes_the_same(tmp_path: Path) -> None:
    onnx_nets.save("classifier", str(tmp_path / "net.onnx"))
    run.prepare(tmp_path / "net.onnx", tmp_path / "copy.onnx")
    picture = np.random.default_rng(0).random((1, 3, 32, 32), dtype=np.float32)
    before, after = (InferenceSession(tmp_path / f"{name}.onnx").run(None, {"image": picture})[0] for name in ("net", "copy"))
    assert np.allclose(before, after, atol=1e-6)
    told = {n.op_type: {a.name: a.i for a in n.attribute} for n in onnx.load(tmp_path / "copy.onnx").graph.node}
    assert "kernel_shape" in told["Conv"] and told["Gemm"]["transB"] == 1 and "Constant" not in told


@pytest.mark.usefixtures("_unimported")
def test_an_operator_that_it_lacks_is_named(tmp_path: Path) -> None:
    convert = run.find_tool(clone(tmp_path, STOPPING))
    with pytest.raises(ConverterFailed, match="Einsum not implemented yet") as failed:
        run.call(convert, tmp_path / "model.onnx", tmp_path, Options())
    assert "--via onnx2tf" in failed.value.remedy
    del sys.modules["onnx2tflite"]


@pytest.mark.usefixtures("_unimported")
def test_a_tool_that_says_nothing_has_written_nothing(tmp_path: Path) -> None:
    assert run.call(run.find_tool(clone(tmp_path, SILENT)), tmp_path / "model.onnx", tmp_path, Options()) is None
    del sys.modules["onnx2tflite"]


def test_a_wheel_without_its_sub_packages_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "onnx2tflite", None)  # type: ignore[arg-type]
    with pytest.raises(EnvironmentFailed) as failed:
        run.find_tool(str(tmp_path))
    assert "git clone https://github.com/MPolaris/onnx2tflite" in failed.value.remedy and run.VARIABLE in failed.value.remedy


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (Facts(details={"opset": 17}, operators={"Conv": 1}), []),
        (Facts(details={"opset": 18}, operators={"Conv": 1}), ["onnx2tflite-opset"]),
        (Facts(details={"opset": 13}, operators={"LSTM": 1, "Where": 2}), ["onnx2tflite-operator"]),
        (Facts(), []),
    ],
)
def test_it_is_kept_from_what_it_computes_wrongly(facts: Facts, codes: list[str]) -> None:
    assert [f.code for f in preflight(facts, Options())] == codes


def test_the_plan_can_say_where_it_comes_from() -> None:
    (environment,) = plugin.edgeroute_environments()
    assert isinstance(environment, Environment) and environment.source == run.ADDRESS
    (edge,) = plugin.edgeroute_converters()
    assert from_json(edge.options, to_json(edge.options())) == edge.options()
    assert re.search(plugin.SYMPTOMS[0].pattern, "KeyError: 'Einsum not implemented yet'")
    assert not isinstance(sys.modules.get("tensorflow"), ModuleType)
