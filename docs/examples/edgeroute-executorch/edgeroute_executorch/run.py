"""The work behind `executorch` and `executorch-quantize`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower

from edgeroute.errors import UsageError
from edgeroute.types import Calibration, Facts
from edgeroute_executorch.models import program_of
from edgeroute_executorch.options import LowerOptions, QuantizeOptions
from edgeroute_executorch.program import QUANTIZED


def lower(source: Path, out: Path, options: LowerOptions) -> Facts:
    """Write `source` (a static .onnx, or a .pt2) to `out` in float; shapes, dtypes and the order of both ends stay, their names do not."""
    program, _ = program_of(source)
    _write(program, out, options.delegate)
    return Facts()


def quantize(source: Path, out: Path, options: QuantizeOptions) -> Facts:
    """Write `source` to `out` with what XNNPACK computes in int8, ranges measured on the calibration samples."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    if options.calibration is None:
        raise UsageError("there are no calibration samples", remedy="--calibrate FOLDER", code="executorch-uncalibrated")
    program, examples = program_of(source)
    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=options.per_channel))
    prepared = prepare_pt2e(program.module(), quantizer)
    count = 0
    for sample in samples(options.calibration, examples, options.samples):
        prepared(*sample)
        count += 1
    quantized = torch.export.export(convert_pt2e(prepared), examples, strict=False)
    _write(quantized, out, True, {QUANTIZED: 8})
    return Facts(notes={"samples": count, "per_channel": options.per_channel})


def samples(calibration: Calibration, examples: tuple[Any, ...], limit: int) -> Iterator[tuple[Any, ...]]:
    """One tuple of tensors per sample, in the order, shapes and dtypes of the program's inputs."""
    arrays = [calibration.array(i) for i in range(len(calibration.names))]
    for number in range(min(limit, calibration.usable)):
        rows = (numpy.ascontiguousarray(a[number]) for a in arrays)
        yield tuple(torch.from_numpy(row).reshape(e.shape).to(e.dtype) for row, e in zip(rows, examples, strict=True))


def _write(program: Any, out: Path, delegate: bool, constants: dict[str, int] | None = None) -> None:
    partitioners = [XnnpackPartitioner()] if delegate else []
    edge = to_edge_transform_and_lower(program, partitioner=partitioners, constant_methods=constants)
    out.write_bytes(edge.to_executorch().buffer)
