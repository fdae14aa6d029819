"""A plugin for the benchmark: the three quantizers as their own manuals call them, without anything that edgeroute does for a network.

They are edges of a graph here, so that their files are measured on the same samples and with the same yardstick.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeroute.types import Calibration, Converter, Cost, Facts, Format, Target, option

HERE = __name__
TOOLS = {"onnx2tf": "onnx-static", "ai-edge-quantizer": "tflite", "tensorflow": "tflite"}
"""Environment that a tool runs in → what it takes."""


@dataclass(frozen=True)
class Options:
    """What calibrates."""

    calibration: Calibration | None = option(None, "sample inputs", fill="calibration")


def edgeroute_formats() -> list[Format]:
    """Quantized in part, but measured like the others: how many operators stayed in float is a column of the table."""
    return [Format("bare-mixed", "TFLite, as a quantizer left it", ".tflite", is_a="tflite-mixed", precision="int8")]


def edgeroute_converters() -> list[Converter]:
    return [
        Converter(
            f"bare-{tool}-{grain}{mixed}", source, target, f"{HERE}:{tool.replace('-', '_')}_{grain}", Options,
            environment=tool, cost=Cost(1.0), on_request=True,
        )
        for tool, source in TOOLS.items()
        for grain in ("pc", "pt")
        for mixed, target in (("", "tflite-int8"), ("-mixed", "bare-mixed"))
    ]  # fmt: skip


def edgeroute_targets() -> list[Target]:
    return [Target("bench", "whatever a tool writes", ("tflite-int8", "bare-mixed"))]


def rows(options: Options, shape: tuple[int, ...]) -> Iterator[Any]:
    """The samples one by one in the model's layout: channels last where it takes them so."""
    import numpy as np

    assert options.calibration is not None
    for sample in options.calibration.array(0)[: options.calibration.usable]:
        value = np.asarray(sample, np.float32)
        if value.shape != shape[1:] and value.ndim == 3:
            value = value.transpose(1, 2, 0)
        yield np.ascontiguousarray(value.reshape(shape))


def tensorflow_pc(source: Path, out: Path, options: Options) -> Facts:
    return _tensorflow(source, out, options, per_tensor=False)


def tensorflow_pt(source: Path, out: Path, options: Options) -> Facts:
    return _tensorflow(source, out, options, per_tensor=True)


def _tensorflow(source: Path, out: Path, options: Options, per_tensor: bool) -> Facts:
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize import calibrator
    from tensorflow.lite.python.util import modify_model_io_type

    model = source.read_bytes()
    shape = tuple(tf.lite.Interpreter(model_content=model).get_input_details()[0]["shape"])
    counted = calibrator.Calibrator(calibrator.add_intermediate_tensors(model)).calibrate(lambda: ([x] for x in rows(options, shape)))
    quantized = mlir_quantize(counted, disable_per_channel=per_tensor, disable_per_channel_for_dense_layers=per_tensor)
    out.write_bytes(modify_model_io_type(quantized, tf.uint8, tf.uint8))
    return Facts()


def ai_edge_quantizer_pc(source: Path, out: Path, options: Options) -> Facts:
    return _ai_edge(source, out, options, per_tensor=False)


def ai_edge_quantizer_pt(source: Path, out: Path, options: Options) -> Facts:
    return _ai_edge(source, out, options, per_tensor=True)


def _ai_edge(source: Path, out: Path, options: Options, per_tensor: bool) -> Facts:
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import qtyping, quantizer

    runner = Interpreter(model_path=str(source)).get_signature_runner()
    (name,) = runner.get_input_details()
    shape = tuple(runner.get_input_details()[name]["shape"])
    tool = quantizer.Quantizer(str(source))
    grain = qtyping.QuantGranularity.TENSORWISE if per_tensor else qtyping.QuantGranularity.CHANNELWISE
    tool.add_static_config(".*", qtyping.TFLOperationName.ALL_SUPPORTED, 8, 8, weight_granularity=grain)
    counted = tool.calibrate({"serving_default": [{name: x} for x in rows(options, shape)]})
    tool.quantize(counted).export_model(str(out), overwrite=True)
    return Facts()


def onnx2tf_pc(source: Path, out: Path, options: Options) -> Facts:
    return _onnx2tf(source, out, options, per_tensor=False)


def onnx2tf_pt(source: Path, out: Path, options: Options) -> Facts:
    return _onnx2tf(source, out, options, per_tensor=True)


def _onnx2tf(source: Path, out: Path, options: Options, per_tensor: bool) -> Facts:
    import numpy as np
    import onnx
    import onnx2tf

    given = onnx.load(source).graph.input[0]
    shape = tuple(d.dim_value for d in given.type.tensor_type.shape.dim)
    channels_last = (shape[0], *shape[2:], shape[1]) if len(shape) == 4 and shape[1] in (1, 3) else shape
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        samples = Path(folder) / "samples.npy"
        np.save(samples, np.concatenate(list(rows(options, channels_last))))
        neutral = [np.zeros((1,) * len(shape), np.float32).tolist(), np.ones((1,) * len(shape), np.float32).tolist()]
        onnx2tf.convert(
            input_onnx_file_path=str(source),
            output_folder_path=folder,
            not_use_onnxsim=True,
            output_integer_quantized_tflite=True,
            quant_type="per-tensor" if per_tensor else "per-channel",
            custom_input_op_name_np_data_path=[[given.name, str(samples), *neutral]],
            input_quant_dtype="uint8",
            output_quant_dtype="uint8",
            verbosity="error",
        )
        shutil.copyfile(next(Path(folder).glob("*_full_integer_quant.tflite")), out)
    return Facts()
