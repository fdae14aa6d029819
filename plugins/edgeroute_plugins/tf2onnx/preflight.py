"""Why `tf2onnx` cannot take a file, told before an environment is built; standard library only."""

from __future__ import annotations

from edgeroute.types import Facts, Finding
from edgeroute_plugins.keras_tf.options import KerasOptions
from edgeroute_plugins.keras_tf.preflight import keras, operators, signature, stop
from edgeroute_plugins.tf2onnx.options import Options

HARD_SWISH_OPSET = 14


def keras_file(facts: Facts, options: Options) -> list[Finding]:
    """A Keras file: a whole model, and the user's word where it holds code."""
    return keras(facts, KerasOptions(trust=options.trust))


def saved_model(facts: Facts, options: Options) -> list[Finding]:
    """A SavedModel: a signature that is there, operators that ONNX has."""
    return [*signature(facts, options.signature), *operators(facts)]


def tflite(facts: Facts, options: Options) -> list[Finding]:
    """A TFLite file: no custom operators, and an opset that has its activations."""
    found = []
    if foreign := sorted(name for name in facts.operators if name == "CUSTOM" or name.startswith("Flex")):
        remedy = "convert from the model that the TFLite file was made of"
        found.append(stop("tf2onnx-operator-missing", f"ONNX has no operator for {', '.join(foreign)}", remedy))
    if facts.operators.get("HARD_SWISH") and options.opset < HARD_SWISH_OPSET:
        remedy = f"--set tf2onnx.opset={HARD_SWISH_OPSET} (or later)"
        found.append(stop("onnx-opset", f"HARD_SWISH exists from opset {HARD_SWISH_OPSET} on, and {options.opset} was asked for", remedy))
    return found
