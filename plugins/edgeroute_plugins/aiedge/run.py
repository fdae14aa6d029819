"""The work behind `ai-edge-quantizer`: calibrate and quantize, every operator that it knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.errors import ConverterFailed, UsageError
from edgeroute.types import Facts
from edgeroute_plugins import feeding, memo
from edgeroute_plugins.aiedge.options import Options
from edgeroute_plugins.tflite import border, editing
from edgeroute_plugins.tflite.legalize import legalize, lower_bounds, shape_pad_values

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D_TRANSPOSE", "FULLY_CONNECTED")


def run_per_channel(source: Path, out: Path, options: Options) -> Facts:
    """Quantize with one scale per output channel of convolutions; dense layers keep one scale unless asked."""
    return quantize(source, out, options, per_tensor=False)


def run_per_tensor(source: Path, out: Path, options: Options) -> Facts:
    """Quantize with one scale per tensor, everywhere."""
    return quantize(source, out, options, per_tensor=True)


def quantize(source: Path, out: Path, options: Options, per_tensor: bool) -> Facts:
    """Write the float `source` as int8 with integer inputs and outputs; operators that the tool does not know stay in float.

    Raises UsageError without calibration samples that fit, ConverterFailed with the tool's own words where it refuses.
    """
    from ai_edge_quantizer import quantizer

    model = editing.load(source)
    changed = legalize(model) | {"added_signature": border.sign(model)}
    try:
        ranges, count = calibrate(model, options)
        changed |= settle_pads(model, ranges)
        tool = quantizer.Quantizer(bytes(editing.serialize(model)))
        set_recipe(tool, options, per_tensor)
        tool.quantize(ranges, enable_progress_report=False).export_model(str(out), overwrite=True)
    except (RuntimeError, ValueError, KeyError, NotImplementedError) as error:
        raise _refused(error) from error
    finished = editing.load(out)
    border.restore_names(finished, *border.border_names(model))
    border.order_signatures(finished)
    editing.save(finished, out)
    notes = {"calibration_samples": count, "legalized": {k: v for k, v in changed.items() if v}}
    return Facts(notes={**notes, "per_tensor": per_tensor, "border": options.border, "algorithm": options.algorithm})


def settle_pads(model: Any, ranges: dict[str, Any]) -> dict[str, int]:
    """Give padded tensors the range of what is padded, in the model and in its ranges; returns how many padding values changed."""
    names = [editing.text(t.name) for t in model.subgraphs[0].tensors]
    settled = lower_bounds(model, lambda index: float(np.min(ranges[names[index]]["min"])))
    ranges |= {names[padded]: ranges[names[source]] for padded, source in settled.items()}
    return {"pad_values": shape_pad_values(model, rank=4)}


def calibrate(model: Any, options: Options) -> tuple[Any, int]:
    """Ranges of all tensors by name, and how many samples they took.

    Samples are handed over one by one: the tool makes a list of whatever it is given. Its interpreter's own
    counters are used, five times faster than keeping every tensor, and equal (measured).
    """
    blob = bytes(editing.serialize(model))
    name = memo.name_of(blob, options.calibration, options.samples, options.ranges)
    kept = memo.remembered(options.memo, name, lambda: measured(blob, model, options))
    ranges: dict[str, Any] = {}
    for label, value in kept.items():
        end, _, tensor = label.partition(" ")
        ranges.setdefault(tensor, {})[end] = value
    count = int(ranges.pop("")["count"])
    return with_input_range(in_rank(ranges, model), model, options.input_range), count


def measured(blob: bytes, model: Any, options: Options) -> memo.Arrays:
    """The two ends of every tensor's range, each under its name, and how many samples they took."""
    from ai_edge_quantizer import calibrator, recipe_manager

    signature = model.signatureDefs[0]
    collector = calibrator.Calibrator(
        blob,
        num_threads=os.cpu_count() or 1,
        mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        **({"qsv_update_func": widest} if options.ranges == "minmax" else {}),
    )
    count = 0
    for arguments in rows(model, options):
        collector.calibrate({editing.text(signature.signatureKey): [arguments]}, recipe_manager.RecipeManager())
        count += 1
    ends = {f"{end} {name}": value for name, found in collector.get_model_qsvs().items() for end, value in found.items()}
    return {**ends, "count ": np.array(count)}


def with_input_range(ranges: Any, model: Any, limits: tuple[float, float] | None) -> Any:
    """The ranges, where the picture input's is that of all pixels, seen or not."""
    for tensor in border.pictures(model) if limits is not None else ():
        known = ranges.get(editing.text(tensor.name))
        if known is not None and limits is not None:
            for key, value in zip(("min", "max"), limits, strict=True):
                known[key] = np.full_like(known[key], value)
    return ranges


def in_rank(ranges: Any, model: Any) -> dict[str, Any]:
    """The ranges as arrays of each tensor's rank, [1, 1, 1, 1] for an image: the tool applies them to constants of that rank."""
    ranks = {editing.text(t.name): len(editing.shape(t)) for graph in model.subgraphs for t in graph.tensors}
    return {
        name: {end: np.asarray(value, dtype=np.float32).reshape((1,) * ranks.get(name, np.ndim(value))) for end, value in found.items()}
        for name, found in ranges.items()
    }


def widest(before: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The smallest and largest value seen; the tool's own moving average forgets peaks and depends on the samples' order."""
    if not before:
        return new
    return {"min": np.minimum(before["min"], new["min"]), "max": np.maximum(before["max"], new["max"])}


def rows(model: Any, options: Options) -> Iterator[dict[str, Any]]:
    """The calibration samples for this model's first signature: arrays by argument name."""
    if options.calibration is None or options.calibration.usable < 1:
        raise UsageError(
            "int8 needs calibration samples", remedy="--calibrate FOLDER with pictures, or an .npz or .npy", code="calibration-needed"
        )
    arguments = {int(a.tensorIndex): editing.text(a.name) for a in model.signatureDefs[0].inputs}
    names = [arguments[int(i)] for i in model.subgraphs[0].inputs]
    for row in feeding.samples(options.calibration, editing.slots(model), options.samples, ranges=True):
        yield dict(zip(names, row, strict=True))


def set_recipe(tool: Any, options: Options, per_tensor: bool) -> None:
    """Integer everything; one weight scale per tensor where asked; the border in the wanted type."""
    from ai_edge_quantizer import algorithm_manager, qtyping

    names, granularity = qtyping.TFLOperationName, qtyping.QuantGranularity
    wide = granularity.TENSORWISE if per_tensor else granularity.CHANNELWISE
    tool.add_static_config(".*", names.ALL_SUPPORTED, 8, 8, weight_granularity=wide)
    algorithm = {
        "min_max": algorithm_manager.AlgorithmName.MIN_MAX_UNIFORM_QUANT,
        "octav": algorithm_manager.AlgorithmName.OCTAV,
        "mse": algorithm_manager.AlgorithmName.MSE,
    }[options.algorithm]
    for name in WEIGHTED:
        dense = name == "FULLY_CONNECTED" and not options.per_channel_dense
        chosen = granularity.TENSORWISE if dense else wide
        tool.add_static_config(".*", names[name], 8, 8, weight_granularity=chosen, algorithm_key=algorithm)
    if options.border == "uint8":
        for name in (names.INPUT, names.OUTPUT):
            tool.update_quantization_recipe(".*", name, unsigned(qtyping))


def unsigned(qtyping: Any) -> Any:
    """Configuration of a uint8 input or output."""
    tensor = qtyping.TensorQuantizationConfig
    return qtyping.OpQuantizationConfig(
        activation_tensor_config=tensor(num_bits=8, symmetric=False, dtype=qtyping.TensorDataType.UINT),
        weight_tensor_config=tensor(num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.TENSORWISE),
        compute_precision=qtyping.ComputePrecision.INTEGER,
        explicit_dequantize=False,
    )


def _refused(error: Exception) -> ConverterFailed:
    return ConverterFailed(
        f"ai-edge-quantizer would not quantize the model: {type(error).__name__}: {error}",
        where="ai-edge-quantizer",
        remedy="take the other quantizer: --avoid ai-edge-quantizer",
        code="ai-edge-quantizer-refused",
    )
