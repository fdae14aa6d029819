"""The work behind `onnx2tflite`: the tool is found, called on a copy, and its file taken."""

from __future__ import annotations

import importlib
import inspect
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from edgeroute.errors import ConverterFailed, EnvironmentFailed
from edgeroute.types import Facts
from edgeroute_plugins.onnx2tflite.options import Options

ADDRESS = "https://github.com/MPolaris/onnx2tflite"
VARIABLE = "EDGEROUTE_ONNX2TFLITE"


def run(source: Path, out: Path, options: Options) -> Facts:
    """Write an ONNX file of static shapes and opset 17 at most as a float TFLite file, channel-last.

    Raises EnvironmentFailed where the tool is not to be found, ConverterFailed where it stops or writes nothing.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    convert = find_tool(os.environ.get(VARIABLE, ""))
    with tempfile.TemporaryDirectory(prefix="edgeroute-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copy = Path(folder) / "model.onnx"
        prepare(source, copy)
        written = call(convert, copy, Path(folder), options)
        if written is None or not written.exists():
            raise ConverterFailed("onnx2tflite wrote no file", remedy="take another converter: --via onnx2tf", code="onnx2tflite-no-file")
        shutil.copyfile(written, out)
    return Facts(notes={"generation": generation(convert)})


def prepare(source: Path, copy: Path) -> None:
    """A copy in the spelling that the tool reads, and no other number in it.

    Constants become initializers (the tool wants a first input of every node), kernels say their size, and dense weights lie as in
    PyTorch (it turns them whatever `transB` says).
    """
    import onnx

    model = onnx.load(str(source))
    for node in [n for n in model.graph.node if n.op_type == "Constant" and n.attribute[0].name == "value"]:
        tensor = node.attribute[0].t
        tensor.name = node.output[0]
        model.graph.initializer.append(tensor)
        model.graph.node.remove(node)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in ("Conv", "ConvTranspose") and node.input[1] in weights:
            say_kernel(node, weights[node.input[1]])
        if node.op_type == "Gemm" and node.input[1] in weights:
            turn_weight(node, weights[node.input[1]], model.graph)
    onnx.save(model, str(copy))


def say_kernel(node: Any, weight: Any) -> None:
    """Write down the kernel's size, which ONNX lets one leave out."""
    import onnx

    if not any(attribute.name == "kernel_shape" for attribute in node.attribute):
        node.attribute.append(onnx.helper.make_attribute("kernel_shape", list(weight.dims)[2:]))


def turn_weight(node: Any, weight: Any, graph: Any) -> None:
    """Store a Gemm's weight as [outputs, inputs], with `transB`."""
    import onnx

    told = next((attribute for attribute in node.attribute if attribute.name == "transB"), None)
    if told is not None and told.i:
        return
    turned = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight).T.copy(), f"{weight.name}_{node.output[0]}_turned")
    graph.initializer.append(turned)
    node.input[1] = turned.name
    if told is not None:
        node.attribute.remove(told)
    node.attribute.append(onnx.helper.make_attribute("transB", 1))


def find_tool(clone: str) -> Any:
    """`onnx_converter` of the clone (a package since V2.0, loose modules before), else of what is installed."""
    if clone:
        sys.path.insert(0, clone)
    loose = clone and not Path(clone, "onnx2tflite").is_dir()
    try:
        return importlib.import_module("converter" if loose else "onnx2tflite").onnx_converter
    except (ImportError, AttributeError) as error:
        raise EnvironmentFailed(
            f"onnx2tflite cannot be imported: {error}",
            where=clone or "the environment",
            remedy=f"clone it (git clone {ADDRESS}) and say where: export {VARIABLE}=FOLDER",
            code="onnx2tflite-missing",
        ) from error


def generation(convert: Any) -> str:
    """Which of its interfaces the tool has: loose modules (before 2024), the package V2.0, or the rewrite, which takes calibration data."""
    if convert.__module__ == "converter":
        return "V1"
    return "rewrite" if "calibration_data" in inspect.signature(convert).parameters else "V2.0"


def call(convert: Any, copy: Path, folder: Path, options: Options) -> Path | None:
    """Path of the TFLite file. The tool's own comparison (which it only logs) is not relied on."""
    arguments: dict[str, Any] = {
        "output_path": str(folder),
        "need_simplify": options.simplify,
        "target_formats": ["tflite"],
        "native_groupconv": options.native_groupconv,
    }
    known = inspect.signature(convert).parameters
    try:
        result = convert(str(copy), **{name: value for name, value in arguments.items() if name in known})
    except KeyError as error:
        raise ConverterFailed(
            f"onnx2tflite: {str(error.args[0]) if error.args else error}",
            remedy="take another converter: --via onnx2tf",
            code="onnx2tflite-operator",
        ) from error
    except Exception as error:  # the tool raises whatever Keras and TensorFlow raise
        text = str(error).strip()
        raise ConverterFailed(
            f"onnx2tflite stopped: {text.splitlines()[0][:300] if text else type(error).__name__}",
            remedy="take another converter: --via onnx2tf",
            code="onnx2tflite-failed",
        ) from error
    path = result.get("tflite") if isinstance(result, dict) else None
    return Path(path) if path else next(iter(sorted(folder.glob("*.tflite"))), None)
