"""The work behind `openvino-convert`."""

from __future__ import annotations

from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute.types import Facts
from edgeroute_openvino.options import ConvertOptions
from edgeroute_openvino.quietly import openvino


def run(source: Path, out: Path, options: ConvertOptions) -> Facts:
    """Write `source` (ONNX, static) to `out` (.xml) and the .bin beside it; names, dtypes and layout of both ends stay."""
    try:
        model = openvino.Core().read_model(str(source))
    except RuntimeError as error:
        raise SourceError(
            f"OpenVINO cannot read {source.name}: {' '.join(str(error).split())[-400:]}",
            remedy="export the model again with ONNX's own operators",
            code="openvino-unreadable",
        ) from error
    openvino.save_model(model, str(out), compress_to_fp16=options.compress)
    return Facts(notes={"float16": options.compress})
