"""The work behind `rknn-quantize`: a project, built once to see that it can be."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy
import onnx

from edgeroute.errors import SourceError, UsageError
from edgeroute.types import Calibration, Facts, Tensor
from edgeroute_rknn import project, vendor
from edgeroute_rknn.options import QuantizeOptions

PROBE = "rk3588"
"""The chip that the simulator stands for; the quantization is the same for all."""


def run(source: Path, out: Path, options: QuantizeOptions) -> Facts:
    """Write a project into the folder `out`: the model as it is, the first samples, and how to quantize."""
    if options.calibration is None:
        raise UsageError("there are no calibration samples", remedy="--calibrate FOLDER", code="rknn-uncalibrated")
    inputs, outputs = _ports(source)
    (out / project.SAMPLES).mkdir(parents=True)
    shutil.copyfile(source, out / project.MODEL)
    count = min(options.samples, options.calibration.usable)
    _samples(out, options.calibration, inputs, count)
    project.write(out, {"algorithm": options.algorithm, "method": options.method}, inputs, outputs, count)
    with vendor.opened(out, PROBE):
        pass
    return Facts(inputs, outputs, notes={"samples": count, "algorithm": options.algorithm, "method": options.method})


def _ports(source: Path) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    try:
        graph = onnx.load(str(source)).graph
    except Exception as error:  # protobuf's own exception class depends on its version
        raise SourceError(f"onnx cannot read {source.name}: {error}", remedy="export the model again", code="rknn-unreadable") from error
    constants = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_tensor(port) for port in graph.input if port.name not in constants)
    if not inputs or not graph.output:
        raise SourceError(f"{source.name} has no inputs or no outputs", remedy="export the model again", code="rknn-unreadable")
    return inputs, tuple(_tensor(port) for port in graph.output)


def _tensor(port: Any) -> Tensor:
    kind = port.type.tensor_type
    return Tensor(port.name, tuple(d.dim_value or None for d in kind.shape.dim), onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name)


def _samples(folder: Path, calibration: Calibration, inputs: tuple[Tensor, ...], count: int) -> None:
    """One .npy per sample and input, batch included, and the list that names them."""
    names = list(calibration.names)
    order = [names.index(t.name) if t.name in names else n for n, t in enumerate(inputs)]
    lines = []
    for number in range(count):
        files = []
        for place, (index, tensor) in enumerate(zip(order, inputs, strict=True)):
            sample = numpy.ascontiguousarray(calibration.array(index)[number], dtype=tensor.dtype).reshape(
                [int(d or 1) for d in tensor.shape]
            )
            files.append(f"{project.SAMPLES}/{number}-{place}.npy")
            numpy.save(folder / files[-1], sample)
        lines.append(" ".join(files))
    (folder / project.DATASET).write_text("\n".join(lines) + "\n", encoding="utf-8")
