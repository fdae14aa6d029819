"""The work behind `nncf-quantize`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

from edgeroute.errors import SourceError, UsageError
from edgeroute.types import Calibration, Facts
from edgeroute_openvino.options import QuantizeOptions
from edgeroute_openvino.quietly import openvino


def run(source: Path, out: Path, options: QuantizeOptions) -> Facts:
    """Write `source` (.xml, float) to `out` with activations and weights in int8, ranges measured on the calibration samples."""
    if options.calibration is None:
        raise UsageError("there are no calibration samples", remedy="--calibrate FOLDER", code="openvino-uncalibrated")
    try:
        model = openvino.Core().read_model(str(source))
    except RuntimeError as error:
        raise SourceError(
            f"OpenVINO cannot read {source.name}: {' '.join(str(error).split())[-400:]}",
            remedy="convert the model again",
            code="openvino-unreadable",
        ) from error
    import nncf

    count = min(options.samples, options.calibration.usable)
    quantized = nncf.quantize(
        model,
        nncf.Dataset(list(samples(options.calibration, model, count))),
        preset=nncf.QuantizationPreset(options.preset),
        subset_size=count,
        fast_bias_correction=not options.thorough,
        model_type=nncf.ModelType.TRANSFORMER if options.model_type else None,
    )
    openvino.save_model(quantized, str(out), compress_to_fp16=False)
    return Facts(notes={"samples": count, "preset": options.preset})


def samples(calibration: Calibration, model: Any, count: int) -> Iterator[list[Any]]:
    """One list of arrays per sample, in the order, shapes and dtypes of the model's inputs."""
    names = list(calibration.names)
    arrays = [calibration.array(i) for i in range(len(names))]
    ports = [(_index(port, names, position), port) for position, port in enumerate(model.inputs)]
    for number in range(count):
        yield [
            numpy.ascontiguousarray(arrays[index][number].reshape(tuple(port.shape)), dtype=port.element_type.to_dtype())
            for index, port in ports
        ]


def _index(port: Any, names: list[str], position: int) -> int:
    return next((names.index(name) for name in port.names if name in names), position)
