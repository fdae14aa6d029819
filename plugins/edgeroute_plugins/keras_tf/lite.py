"""The work behind `tf-lite`: a SavedModel to TFLite, float or full integer, by TensorFlow's own converter."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from edgeroute.errors import ConverterFailed, EdgerouteError, UsageError
from edgeroute.types import Calibration, Facts, Tensor
from edgeroute_plugins import feeding
from edgeroute_plugins.feeding import Slot
from edgeroute_plugins.keras_tf.models import first_line
from edgeroute_plugins.keras_tf.options import LiteOptions, QuantizeOptions
from edgeroute_plugins.keras_tf.signatures import pinned

MOST_SAMPLES = 512


def run(source: Path, out: Path, options: LiteOptions) -> Facts:
    """Write the chosen signature as a float TFLite file with static shapes."""
    with tempfile.TemporaryDirectory(prefix="edgeroute-") as scratch:
        converter, facts = prepare(source, Path(scratch), options)
        out.write_bytes(convert(converter))
    return facts


def run_int8(source: Path, out: Path, options: QuantizeOptions) -> Facts:
    """Write it with int8 weights (per channel) and activations, and the asked dtype at the border."""
    return quantize(source, out, options, per_tensor=False)


def run_int8_pt(source: Path, out: Path, options: QuantizeOptions) -> Facts:
    """The same with one scale per weight tensor."""
    return quantize(source, out, options, per_tensor=True)


def quantize(source: Path, out: Path, options: QuantizeOptions, per_tensor: bool) -> Facts:
    """Full integer: the converter may not fall back to float operators (that it does so in silence is found by what comes after)."""
    if options.calibration is None:
        raise UsageError(
            "full-integer quantization needs sample inputs", remedy="give some: --calibrate FOLDER_OF_IMAGES", code="calibration-needed"
        )
    with tempfile.TemporaryDirectory(prefix="edgeroute-") as scratch:
        converter, facts = prepare(source, Path(scratch), options)
        calibration = options.calibration
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: samples(calibration, facts.inputs)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, options.border)
        converter._experimental_disable_per_channel = per_tensor
        converter._experimental_disable_per_channel_quantization_for_dense_layers = per_tensor or options.dense_per_tensor
        out.write_bytes(convert(converter))
    return Facts(facts.inputs, facts.outputs, details=facts.details, notes={"samples": min(calibration.usable, MOST_SAMPLES)})


def prepare(source: Path, scratch: Path, options: LiteOptions) -> tuple[Any, Facts]:
    """A converter of the chosen signature, and the signature's ports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder, name, facts = pinned(source, scratch / "static", options.signature, options.input_shapes, options.trust)
        return tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[name]), facts


def samples(calibration: Calibration, inputs: Sequence[Tensor]) -> Iterator[dict[str, Any]]:
    """Name → array, one sample at a time; the samples come in the source's layout and are turned into this model's."""
    slots = [Slot(t.name, tuple(d or 1 for d in t.shape), t.dtype) for t in inputs]
    for row in feeding.samples(calibration, slots, MOST_SAMPLES):
        yield {slot.name: array for slot, array in zip(slots, row, strict=True)}


def convert(converter: Any) -> bytes:
    """The file's bytes. Raises ConverterFailed naming the operators that TFLite lacks."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bytes(converter.convert())
    except EdgerouteError:
        raise
    except Exception as error:  # ConverterError, and whatever MLIR and the calibrator raise
        raise failure(error) from error


def failure(error: Exception) -> ConverterFailed:
    """The converter's error, which spreads over pages, in one line."""
    text = str(error)
    flex = re.search(r"(?:Flex|Custom) ops: ([^\n]+)", text)
    if flex:
        return ConverterFailed(
            f"TFLite has no operator for {flex[1].strip()}",
            remedy="replace these in the model by standard layers (erf GELU by its tanh form, say) and export it again",
            code="tflite-operator-missing",
        )
    telling = next((line.strip() for line in text.splitlines() if "error:" in line), first_line(error))
    return ConverterFailed(
        f"TensorFlow's converter failed: {telling}",
        remedy="try the float file and another quantizer (edgeroute plan lists the routes), or read the step's log",
        code="tf-lite-failed",
    )
