"""The work behind `tf-quantizer`: legalize, calibrate, quantize, set the border's type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeroute.errors import ConverterFailed, UsageError
from edgeroute.types import Facts
from edgeroute_plugins import feeding, memo
from edgeroute_plugins.prepare import ranges as dead_zones
from edgeroute_plugins.refine.improve import improve
from edgeroute_plugins.tflite import border, editing
from edgeroute_plugins.tflite.legalize import flatten_slopes, legalize, lower_bounds, shape_pad_values
from edgeroute_plugins.tfquant import calibration, integer_border, native
from edgeroute_plugins.tfquant.diagnostics import captured_stderr
from edgeroute_plugins.tfquant.options import RANGES, Options

MOST_ROWS = 72
"""Samples that refining holds in memory."""


def run_per_channel(source: Path, out: Path, options: Options) -> Facts:
    """Quantize with one scale per output channel of convolutions; dense layers keep one scale unless asked."""
    return quantize(source, out, options, per_tensor=False)


def run_per_tensor(source: Path, out: Path, options: Options) -> Facts:
    """Quantize with one scale per tensor, everywhere."""
    return quantize(source, out, options, per_tensor=True)


def quantize(source: Path, out: Path, options: Options, per_tensor: bool) -> Facts:
    """Write the float `source` as int8 with integer inputs and outputs.

    Raises UsageError without calibration samples that fit, ConverterFailed with the tool's own reason where it refuses.
    """
    native.settle()
    model = editing.load(source)
    changed = legalize(model) | {"prelu_slopes": flatten_slopes(model), "pad_values": shape_pad_values(model, rank=0)}
    changed = {name: count for name, count in changed.items() if count}
    calibrated, count = calibrate(model, options)
    calibrated = settle_pads(calibrated)
    integers: dict[str, bytes] = {}
    for kind in range_kinds(options):
        ranged, narrowed = with_ranges(calibrated, kind, model, options)
        changed |= {"narrowed_ranges": narrowed} if narrowed else {}
        integers[kind] = quantize_calibrated(ranged, per_tensor, options)
    notes: dict[str, Any] = {}
    integer = integers[options.ranges]
    if options.refine != "none":
        integer, notes["refined"] = refined(model, integers, options)
    finished = editing.parse(integer)
    border.restore_names(finished, *border.border_names(model))
    border.order_signatures(finished)
    editing.save(finished, out)
    notes |= {"calibration_samples": count, "legalized": changed, "per_tensor": per_tensor, "border": options.border}
    return Facts(notes=notes)


def range_kinds(options: Options) -> list[str]:
    """The kinds of activation ranges to quantize with: the one asked for, and where the best result is looked for, the others after it."""
    others = [kind for kind in RANGES if kind != options.ranges] if options.refine != "none" else []
    return [options.ranges, *others]


def with_ranges(calibrated: bytes, kind: str, model: Any, options: Options) -> tuple[bytes, int]:
    """The calibrated model with activation ranges of this kind and the pixels' range at its input, and how many ranges were narrowed."""
    narrowed = 0
    if kind == "mse":
        from edgeroute_plugins.tfquant.ranges import narrow

        calibrated, narrowed = narrow(calibrated, lambda: rows(model, options), options)
    if options.input_range is not None:
        calibrated = with_input_range(calibrated, options.input_range)
    return calibrated, narrowed


def refined(model: Any, integers: Mapping[str, bytes], options: Options) -> tuple[bytes, dict[str, Any]]:
    """The best of the integer files, as they are and fitted to the float model, on samples kept aside; and what it brought."""
    usable = options.calibration.usable if options.calibration else 0
    count = min(usable, options.samples or usable)
    wanted = {i * count // MOST_ROWS for i in range(MOST_ROWS)}
    chosen = [row for i, row in enumerate(rows(model, options)) if i in wanted]
    better = improve(bytes(editing.serialize(model)), integers, chosen, options.refine)
    return better.blob, {
        "ranges": better.start,
        "fit": better.fit,
        "reason": better.reason,
        "layers": better.layers,
        "before_db": round(better.before, 2),
        "after_db": round(better.after, 2),
    }


def rows(model: Any, options: Options, *, ranges: bool = False) -> Any:
    """The calibration samples for this model, one list of arrays each; with those held back where only ranges are taken from them."""
    if options.calibration is None or options.calibration.usable < 1:
        raise UsageError(
            "int8 needs calibration samples", remedy="--calibrate FOLDER with pictures, or an .npz or .npy", code="calibration-needed"
        )
    return feeding.samples(options.calibration, editing.slots(model), options.samples, ranges=ranges)


def calibrate(model: Any, options: Options) -> tuple[bytes, int]:
    """The model with the smallest and largest value of every tensor that matters, and how many samples that took."""
    blob = bytes(editing.serialize(model))
    name = memo.name_of(blob, options.calibration, options.samples)
    ranges, seen = calibration.from_arrays(memo.remembered(options.memo, name, lambda: measured(blob, model, options)))
    calibration.write(model, ranges)
    dead_zones.narrow_calibrated(model)
    return bytes(editing.serialize(model)), seen


def measured(blob: bytes, model: Any, options: Options) -> memo.Arrays:
    """The ranges of all tensors, and of how many samples."""
    with captured_stderr() as words:
        try:
            return calibration.as_arrays(*calibration.measure(blob, rows(model, options, ranges=True)))
        except (RuntimeError, ValueError) as error:
            raise _refused("calibrate", f"{error} {words.reason}") from error


def with_input_range(calibrated: bytes, limits: tuple[float, float]) -> bytes:
    """The calibrated model whose picture input has this range: pixel identity needs the whole range of pixels, seen or not."""
    model = editing.parse(calibrated)
    for tensor in border.pictures(model):
        tensor.quantization.min, tensor.quantization.max = [limits[0]], [limits[1]]
    return bytes(editing.serialize(model))


def settle_pads(calibrated: bytes) -> bytes:
    """The calibrated model whose padded tensors have the range of what is padded: the lowest float would be the range's end."""
    model = editing.parse(calibrated)
    tensors = model.subgraphs[0].tensors
    settled = lower_bounds(model, lambda index: float(tensors[index].quantization.min[0]))
    for padded, source in settled.items():
        tensors[padded].quantization.min = tensors[source].quantization.min
        tensors[padded].quantization.max = tensors[source].quantization.max
    return bytes(editing.serialize(model)) if settled else calibrated


def quantize_calibrated(calibrated: bytes, per_tensor: bool, options: Options) -> bytes:
    """The integer model with integer inputs and outputs."""
    with captured_stderr() as words:
        try:
            integer = native.quantize(calibrated, per_tensor=per_tensor, per_channel_dense=options.per_channel_dense)
        except (RuntimeError, ValueError) as error:
            raise _refused("quantize", f"{error} {words.reason}") from error
    finished = editing.parse(integer)
    integer_border.set_types(finished, options.border)
    return bytes(editing.serialize(finished))


def _refused(what: str, why: str) -> ConverterFailed:
    return ConverterFailed(
        f"TensorFlow's quantizer would not {what} the model: {why.strip()}",
        where="tf-quantizer",
        remedy="take the other quantizer: --avoid tf-quantizer; or cut the model before the operator named above",
        code="tf-quantizer-refused",
    )
