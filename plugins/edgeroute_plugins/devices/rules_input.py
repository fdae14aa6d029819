"""What the camera feeds: TFL-007 and TFL-012 to TFL-016."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgeroute.pixels import pixel_error
from edgeroute.types import Preprocess, Severity
from edgeroute_plugins.devices.cases import Case, Check, Hit
from edgeroute_plugins.devices.graph import INT8, matters
from edgeroute_plugins.tflite.reader import TensorData

IMAGE_CHANNELS = (1, 3, 4)
USUAL = ((1 / 255, 0.0, 0.0), (1 / 128, 127.5, 128.0), (1 / 127.5, 127.0, 128.0), (1.0, 0.0, 0.0))
"""Scale and range of the zero point (as for uint8) that pixels are known to fit: 0..1, -1..1 (two forms), 0..255."""


def images(case: Case) -> Iterator[TensorData]:
    """The graph's inputs that can be pictures; a vector with three dimensions of 1 around it is none."""
    return (t for t in case.graph.inputs if len(t.shape) == 4 and matters(t.shape[1:]) > 1)


def _where(tensor: TensorData) -> str:
    return f"input {tensor.name}"


def training(context: Mapping[str, object]) -> Preprocess | None:
    """What turns a pixel into the file's input; None where that is not known.

    `context["folded"]` says that the preprocessing stands inside the model already: then the file's input is the pixel itself.
    """
    if context.get("folded"):
        return Preprocess(known=True)
    preprocess = context.get("preprocess")
    return preprocess if isinstance(preprocess, Preprocess) and preprocess.known else None


def dtype(case: Case) -> Iterator[Hit]:
    for tensor in case.graph.inputs:
        if tensor.dtype not in INT8:
            yield Hit(f"it is {tensor.dtype}", _where(tensor), 1.0)


def batch(case: Case) -> Iterator[Hit]:
    for tensor in case.graph.inputs:
        if len(tensor.shape) == 4 and tensor.shape[0] != 1:
            yield Hit(f"the shape is {list(tensor.shape)}", _where(tensor), 1.0)


def looks_planar(tensor: TensorData) -> bool:
    return tensor.shape[1] in IMAGE_CHANNELS and tensor.shape[3] not in IMAGE_CHANNELS


def layout(case: Case) -> Iterator[Hit]:
    for tensor in images(case):
        if looks_planar(tensor):
            yield Hit(f"the shape is {list(tensor.shape)}", _where(tensor), 0.5)


def channels(case: Case) -> Iterator[Hit]:
    preprocess = training(case.context)
    for tensor in images(case):
        count = tensor.shape[1 if looks_planar(tensor) else 3]
        if count != 3:
            yield Hit(f"it has {count}", _where(tensor), 0.3)
        elif preprocess is not None and preprocess.color != "rgb":
            yield Hit(f"the model was trained on {preprocess.color}", _where(tensor), 0.3)


def signed(case: Case) -> Iterator[Hit]:
    for tensor in images(case):
        if tensor.dtype == "int8":
            yield Hit("it is int8", _where(tensor), 0.05)


def pixel_identity(case: Case) -> Iterator[Hit]:
    for tensor in images(case):
        if tensor.dtype in INT8 and case.target.camera:
            yield from _identity(tensor, training(case.context))


def _identity(tensor: TensorData, preprocess: Preprocess | None) -> Iterator[Hit]:
    if not tensor.scale:
        return  # an integer input without a scale takes pixels as they are: the model normalises by itself
    if tensor.scale[0] <= 0:
        yield Hit(f"its scale is {tensor.scale[0]:g}", _where(tensor), 1.0)
        return
    if preprocess is None:
        yield from _unknown(tensor)
        return
    worst = error_of(tensor, preprocess)
    if worst == 0:
        return
    pair = f"scale {tensor.scale[0]:g}, zero point {_zero(tensor)}"
    what = f"with the training normalisation a value differs from its pixel by up to {worst} ({pair})"
    yield Hit(what, _where(tensor), 1.0 if worst > 1 else 0.05, None if worst > 1 else Severity.TIP)


def _unknown(tensor: TensorData) -> Iterator[Hit]:
    scale, zero = tensor.scale[0], _zero(tensor) + (128 if tensor.dtype == "int8" else 0)
    if any(abs(scale - s) <= 0.005 * s and low <= zero <= high for s, low, high in USUAL):
        return
    yield Hit(
        f"scale {scale:g} and zero point {_zero(tensor)} are no usual pair, and the training normalisation is not known",
        _where(tensor),
        0.5,
        Severity.WARNING,
        "Say how the model was trained: `--mean`, `--std`, `--scale`; then this becomes a yes or a no.",
    )


def _zero(tensor: TensorData) -> int:
    return tensor.zero_point[0] if tensor.zero_point else 0


def error_of(tensor: TensorData, preprocess: Preprocess) -> int:
    """How far a raw pixel is from what the file's input wants."""
    return pixel_error(tensor.dtype, tensor.scale[0], _zero(tensor), preprocess)


CHECKS: Mapping[str, Check] = {
    "TFL-007": dtype,
    "TFL-012": batch,
    "TFL-013": layout,
    "TFL-014": channels,
    "TFL-015": pixel_identity,
    "TFL-016": signed,
}
