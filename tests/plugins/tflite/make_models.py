"""Writes the small models of `models/`: type `python make_models.py [NAME …]` in an environment with TensorFlow 2.21.

Trained weights are not needed here: what the tests look at is structure.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).with_name("models")
SHAPE = (1, 8, 8, 3)


def network(middle: Callable[[Any], Any] = lambda x: x, batch: int | None = 1, last: Callable[[Any], Any] = lambda x: x) -> Any:
    """conv → middle → depthwise → dense → last."""
    rng = np.random.default_rng(7)
    conv = tf.constant(rng.normal(size=(3, 3, 3, 4)).astype("float32"))
    depthwise = tf.constant(rng.normal(size=(3, 3, 4, 1)).astype("float32"))
    dense = tf.constant(rng.normal(size=(4, 5)).astype("float32"))

    def forward(image: Any) -> dict[str, Any]:
        x = middle(tf.nn.relu(tf.nn.conv2d(image, conv, 2, "SAME")))
        x = tf.nn.relu6(tf.nn.depthwise_conv2d(x, depthwise, (1, 1, 1, 1), "SAME"))
        x = tf.linalg.matmul(tf.reduce_mean(x, (1, 2)), dense)
        return {"scores": last(x)}

    return tf.function(forward, input_signature=[tf.TensorSpec((batch, *SHAPE[1:]), tf.float32, name="image")])


def samples() -> Iterator[list[Any]]:
    rng = np.random.default_rng(3)
    for _ in range(8):
        yield [rng.random(SHAPE, dtype=np.float32)]


def converter(forward: Any) -> Any:
    module = tf.Module()
    module.forward = forward
    return tf.lite.TFLiteConverter.from_concrete_functions([forward.get_concrete_function()], module)


def quantized(forward: Any, border: Any = tf.uint8, per_tensor: bool = False, wide: bool = False) -> bytes:
    made = converter(forward)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = samples
    wide_set = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    made.target_spec.supported_ops = [wide_set if wide else tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    made.inference_input_type = made.inference_output_type = border
    made._experimental_disable_per_channel = per_tensor
    return bytes(made.convert())


def dynamic_range(forward: Any) -> bytes:
    made = converter(forward)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made._experimental_new_quantizer = True
    return bytes(made.convert())


def half(forward: Any) -> bytes:
    made = converter(forward)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.target_spec.supported_types = [tf.float16]
    return bytes(made.convert())


def flex() -> bytes:
    made = converter(network(last=tf.math.erf))
    made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    return bytes(made.convert())


def two_signatures(folder: Path) -> bytes:
    """A SavedModel with two signatures of several arguments, whose names are not in the order of the graph."""

    class Twice(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32, name="zebra"), tf.TensorSpec((1, 4), tf.float32, name="ant")])
        def first(self, zebra: Any, ant: Any) -> dict[str, Any]:
            return {"total": zebra + ant, "apart": zebra - 2 * ant}

        @tf.function(input_signature=[tf.TensorSpec((2, 2), tf.float32, name="x")])
        def second(self, x: Any) -> dict[str, Any]:
            return {"y": tf.linalg.matmul(x, x)}

    module = Twice()
    tf.saved_model.save(module, str(folder), signatures={"first": module.first, "second": module.second})
    return bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert())


def nchw() -> bytes:
    """What onnx2tf writes for a model with channels first: a TRANSPOSE behind the input and one before the output."""
    kernel = tf.constant(np.random.default_rng(1).normal(size=(3, 3, 3, 2)).astype("float32"))

    def forward(image: Any) -> dict[str, Any]:
        x = tf.nn.conv2d(tf.transpose(image, (0, 2, 3, 1)), kernel, 1, "SAME")
        x = tf.nn.conv2d_transpose(x, kernel, (1, 16, 16, 3), 2, "SAME")
        return {"map": tf.transpose(x, (0, 3, 1, 2))}

    return bytes(converter(tf.function(forward, input_signature=[tf.TensorSpec((1, 3, 8, 8), tf.float32, name="image")])).convert())


def saved() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return two_signatures(Path(folder))


PLAIN = network()
MODELS: dict[str, Callable[[], bytes]] = {
    "float": lambda: bytes(converter(PLAIN).convert()),
    "dynamic-batch": lambda: bytes(converter(network(batch=None)).convert()),
    "int8-pc": lambda: quantized(PLAIN),
    "int8-pt": lambda: quantized(PLAIN, border=tf.int8, per_tensor=True),
    "float-border": lambda: quantized(PLAIN, border=tf.float32),
    "island": lambda: quantized(network(middle=tf.floor)),
    "tail": lambda: quantized(network(last=tf.sin), border=tf.float32),
    "int16": lambda: quantized(PLAIN, border=tf.int16, wide=True),
    "dynamic-range": lambda: dynamic_range(network(middle=lambda x: tf.nn.conv2d(x, tf.ones((3, 3, 4, 64)), 1, "SAME")[..., :4])),
    "half": lambda: half(PLAIN),
    "flex": flex,
    "nchw": nchw,
    "signatures": saved,
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or MODELS:
        (FOLDER / f"{name}.tflite").write_bytes(MODELS[name]())
