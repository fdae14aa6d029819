"""A C header with the sidecar's numbers, for applications that bake them in.

The names are those of `parameter_finder.py` in Axis' SDK (object-detection-yolov5), which speaks of output 0 only, and an indexed
set for every input and output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgeroute.sidecar import DeployedInput, DeployedOutput, Deployment

BOXES = 5
"""What YOLOv5's rows hold before their class scores: x, y, width, height, confidence."""


def render(deployment: Deployment) -> str:
    """The header's text."""
    lines = [*_head(deployment), *_axis_names(deployment), *_indexed(deployment), "#endif"]
    return "\n".join(lines) + "\n"


def _head(deployment: Deployment) -> Iterator[str]:
    yield f"/* {_comment(deployment.file)} for {deployment.target}: written by edgeroute {deployment.edgeroute}; sha256 {deployment.sha256} */"
    yield "#ifndef EDGEROUTE_MODEL_PARAMS_H"
    yield "#define EDGEROUTE_MODEL_PARAMS_H"
    yield ""
    yield from _text("LAROD_DEVICE", deployment.device)
    yield ""


def _axis_names(deployment: Deployment) -> Iterator[str]:
    """MODEL_INPUT_HEIGHT, MODEL_INPUT_WIDTH, QUANTIZATION_SCALE, QUANTIZATION_ZERO_POINT, NUM_CLASSES, NUM_DETECTIONS."""
    size = _size(deployment.inputs[0]) if deployment.inputs else None
    if size:
        yield from (f"#define MODEL_INPUT_HEIGHT {size[0]}", f"#define MODEL_INPUT_WIDTH {size[1]}")
    if deployment.outputs:
        first = deployment.outputs[0]
        if first.scale is not None:
            yield from (f"#define QUANTIZATION_SCALE {_float(first.scale)}", f"#define QUANTIZATION_ZERO_POINT {first.zero_point}")
        if len(first.shape) == 3 and (first.shape[2] or 0) > BOXES:
            yield from (f"#define NUM_CLASSES {(first.shape[2] or 0) - BOXES}", f"#define NUM_DETECTIONS {first.shape[1]}")
    yield ""


def _indexed(deployment: Deployment) -> Iterator[str]:
    yield f"#define MODEL_INPUTS {len(deployment.inputs)}"
    for entry in deployment.inputs:
        yield from _tensor(f"MODEL_INPUT_{entry.index}", entry)
        if entry.row_pitch:
            yield f"#define MODEL_INPUT_{entry.index}_ROW_PITCH {entry.row_pitch}"
    yield f"#define MODEL_OUTPUTS {len(deployment.outputs)}"
    for output in deployment.outputs:
        yield from _tensor(f"MODEL_OUTPUT_{output.index}", output)
        if output.padded_bytes:
            yield f"#define MODEL_OUTPUT_{output.index}_PADDED_BYTES {output.padded_bytes}"
    yield ""


def _tensor(prefix: str, tensor: DeployedInput | DeployedOutput) -> Iterator[str]:
    yield from _text(f"{prefix}_NAME", tensor.name)
    yield from _text(f"{prefix}_DTYPE", tensor.dtype)
    yield f"#define {prefix}_RANK {len(tensor.shape)}"
    yield f"#define {prefix}_SHAPE {{{', '.join(str(d or 1) for d in tensor.shape)}}}"
    yield f"#define {prefix}_BYTES {tensor.bytes}"
    if tensor.scale is not None:
        yield f"#define {prefix}_SCALE {_float(tensor.scale)}"
        yield f"#define {prefix}_ZERO_POINT {tensor.zero_point}"


def _size(entry: DeployedInput) -> tuple[int | None, int | None] | None:
    """Height and width of a picture."""
    if not entry.layout:
        return None
    height, width = entry.shape[2:4] if entry.layout == "NCHW" else entry.shape[1:3]
    return height, width


def _float(value: float) -> str:
    text = repr(value)
    return f"{text}f" if re.search(r"[.e]", text) else f"{text}.0f"


def _text(name: str, value: str) -> Iterator[str]:
    """A string literal: names come from model files, so everything but plain ASCII is escaped."""
    escaped = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\?' else "".join(f"\\{b:03o}" for b in c.encode()) for c in value
    )
    yield f'#define {name} "{escaped}"'


def _comment(text: str) -> str:
    return text.replace("*/", "* /").replace("\n", " ")
