"""The work behind `tf2onnx`: ONNX with static shapes, and NCHW at the border as cameras want it."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import tf2onnx
from onnx import helper

from edgeroute.errors import ConverterFailed
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.keras_tf.models import first_line, input_specs, load_model, static_call, unroll
from edgeroute_plugins.keras_tf.signatures import choose, load, static_function, static_specs
from edgeroute_plugins.tf2onnx.options import Options
from edgeroute_plugins.tflite import editing
from edgeroute_plugins.tflite.legalize import densify


def run_keras(source: Path, out: Path, options: Options) -> Facts:
    """Write a Keras model as ONNX."""
    model, _ = load_model(source, options.trust)
    specs = input_specs(model, options.input_shapes, source)
    unroll(model, options.unroll)
    return write(static_call(model, specs), specs, out, options)


def run_saved_model(source: Path, out: Path, options: Options) -> Facts:
    """Write the chosen signature of a SavedModel as ONNX."""
    loaded = load(source, options.trust)
    _, function = choose(loaded, options.signature, source)
    specs = static_specs(function, options.input_shapes)
    return write(static_function(function, specs), specs, out, options)


def run_tflite(source: Path, out: Path, options: Options) -> Facts:
    """Write a float TFLite file as ONNX."""
    ports = tflite_ports(source)
    inputs, outputs = ([(p.tensor, p.shape, p.is_float) for p in side] for side in ports)
    arguments = {"opset": options.opset, **layout(inputs, outputs, options)}
    with tempfile.TemporaryDirectory() as folder:
        proto = call(tf2onnx.convert.from_tflite, str(dense(source, Path(folder))), arguments)
    rename(proto, {p.tensor: p.name for side in ports for p in side})
    return finish(proto, out, options)


def dense(source: Path, folder: Path) -> Path:
    """The file, or where constants leave their zeros out a copy that holds them: tf2onnx reads such ones wrong."""
    model = editing.load(source)
    if not densify(model):
        return source
    editing.save(model, folder / source.name)
    return folder / source.name


def write(function: Any, specs: Sequence[Any], out: Path, options: Options) -> Facts:
    """Convert a static function and save it; inputs and outputs keep their names."""
    results = function.get_concrete_function().structured_outputs
    arguments = {"input_signature": list(specs), "opset": options.opset}
    inputs = [(s.name, tuple(s.shape), s.dtype.is_floating) for s in specs]
    outputs = [(n, tuple(t.shape), t.dtype.is_floating) for n, t in results.items()]
    arguments |= layout(inputs, outputs, options)
    return finish(call(tf2onnx.convert.from_function, function, arguments), out, options)


def layout(inputs: Sequence[tuple[str, Any, bool]], outputs: Sequence[tuple[str, Any, bool]], options: Options) -> dict[str, list[str]]:
    """Which ports become NCHW, as tf2onnx's arguments."""
    if options.channel_first == "none":
        return {}
    chosen = {
        "inputs_as_nchw": [n for n, shape, is_float in inputs if len(shape) == 4 and is_float],
        "outputs_as_nchw": [n for n, shape, is_float in outputs if len(shape) == 4 and is_float],
    }
    return {key: names for key, names in chosen.items() if names}


def call(convert: Any, model: Any, arguments: dict[str, Any]) -> Any:
    """tf2onnx's ModelProto. Raises ConverterFailed naming the operators that it cannot translate."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            proto, _ = convert(model, **arguments)
    except Exception as error:  # tf2onnx raises ValueError, KeyError, AssertionError and TensorFlow's own
        raise ConverterFailed(
            f"tf2onnx cannot translate the model: {first_line(error)}",
            remedy="try a newer opset (--set tf2onnx.opset=18), or replace the operator in the model and export it again",
            code="tf2onnx-failed",
        ) from error
    return proto


def finish(proto: Any, out: Path, options: Options) -> Facts:
    """Check the file and save it. Raises ConverterFailed where it is invalid or holds operators that ONNX lacks."""
    foreign = sorted({f"{n.domain}.{n.op_type}" for n in proto.graph.node if n.domain not in ("", "ai.onnx")})
    if foreign:
        raise ConverterFailed(
            f"ONNX has no operator for {', '.join(foreign)}",
            remedy="replace these in the model by standard layers and export it again",
            code="tf2onnx-operator-missing",
        )
    try:
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise ConverterFailed(
            f"tf2onnx wrote an invalid file: {first_line(error)}", remedy="try another opset: --set tf2onnx.opset=13", code="onnx-invalid"
        ) from error
    onnx.save(proto, str(out))
    operators: dict[str, int] = {}
    for node in proto.graph.node:
        operators[node.op_type] = operators.get(node.op_type, 0) + 1
    return Facts(tuple(map(port, proto.graph.input)), tuple(map(port, proto.graph.output)), operators, details={"opset": options.opset})


def port(value: Any) -> Tensor:
    """An input or output of the graph."""
    kind = value.type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    return Tensor(value.name, shape, str(helper.tensor_dtype_to_np_dtype(kind.elem_type)))


@dataclass(frozen=True)
class Port:
    """An input or output of a TFLite file: its tensor's name, and the name that a signature (or a person) gives it."""

    tensor: str
    name: str
    shape: tuple[int, ...]
    is_float: bool


def tflite_ports(path: Path) -> tuple[list[Port], list[Port]]:
    """The file's inputs and outputs."""
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(str(path))
    signature: Mapping[str, Mapping[str, int]] = next(iter(interpreter._get_full_signature_list().values()), {"inputs": {}, "outputs": {}})
    inputs = ports(interpreter.get_input_details(), signature["inputs"])
    return inputs, ports(interpreter.get_output_details(), signature["outputs"])


def ports(details: Sequence[Mapping[str, Any]], signature: Mapping[str, int]) -> list[Port]:
    """Tensors with the names that the signature has for them; without one TensorFlow's additions are dropped."""
    named = {index: name for name, index in signature.items()}
    return [
        Port(
            d["name"],
            named.get(d["index"], d["name"].removeprefix("serving_default_").removesuffix(":0")),
            tuple(int(n) for n in d["shape"]),
            d["dtype"].__name__.startswith("float"),
        )
        for d in details
    ]


def rename(proto: Any, names: Mapping[str, str]) -> None:
    """Give inputs and outputs their new names, wherever the graph mentions them; a name that is taken is left."""
    taken = {name for node in proto.graph.node for name in (*node.input, *node.output)}
    wanted = {old: new for old, new in names.items() if new not in taken}
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        value.name = wanted.get(value.name, value.name)
    for node in proto.graph.node:
        node.input[:] = [wanted.get(n, n) for n in node.input]
        node.output[:] = [wanted.get(n, n) for n in node.output]
