"""The work behind `onnxslim`: every shape pinned, the graph simplified, nothing else changed."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from onnx import external_data_helper

from edgeroute.errors import ConverterFailed
from edgeroute.types import Facts
from edgeroute_plugins.onnxslim import execution, pinning, versions
from edgeroute_plugins.onnxslim.options import Options

LARGE = 1 << 30
"""Bytes of external data above which weights stay on disk: protobuf cannot hold 2 GB, and copies would fill the memory."""

SMALL = 1024
"""Elements up to which a tensor is taken into the file even then."""

TOLERANCE = 1e-3
"""Largest change of an output, relative to its range, that folding and fusing may cause."""

NOISE = 10.0
"""Times the original's own rounding noise that is accepted where that noise is above the tolerance already."""

DATA_DEPENDENT = {"NonZero", "NonMaxSuppression", "Unique", "Compress"}


def run(source: Path, out: Path, options: Options) -> Facts:
    """Write `source` to `out` with every input and output static; names, dtypes and layout of both stay.

    The simplified graph is compared with the original in onnxruntime on random inputs; where it computes something
    else, less is simplified, and the notes say so. Raises ConverterFailed naming the `--input-shape` that is needed.
    """
    model = onnx.load(str(source), load_external_data=False)
    dropped = pinning.drop_initializer_inputs(model.graph)
    shapes = pinning.resolve(pinning.ports(model.graph), options.input_shapes)
    overridden = pinning.pin(model.graph, shapes)
    model.ir_version = max(model.ir_version, 4)
    notes: dict[str, Any] = {"input_shapes": {n: list(s) for n, s in shapes.items()}}
    notes |= {"overridden": overridden} if overridden else {}
    notes |= {"initializers_that_were_inputs": dropped} if dropped else {}
    if external_bytes(model, source) > LARGE:
        notes |= pin_large(model, source, out)
    else:
        external_data_helper.load_external_data_for_model(model, str(source.parent))
        notes |= simplify(model, out, options)
    return Facts(notes=notes)


def external_bytes(model: Any, source: Path) -> int:
    """Size of the files beside the model that hold its weights."""
    return sum((source.parent / name).stat().st_size for name in external_files(model))


def external_files(model: Any) -> list[str]:
    """Locations of external data as the file spells them, relative to its folder."""
    tensors = external_data_helper._get_all_tensors(model)
    return sorted(
        {e.value for t in tensors if t.data_location == onnx.TensorProto.EXTERNAL for e in t.external_data if e.key == "location"}
    )


def pin_large(model: Any, source: Path, out: Path) -> dict[str, Any]:
    """Pin a model whose weights stay on disk: they are copied beside `out`, the graph is otherwise as it was."""
    load_small(model, source.parent)
    model = versions.infer(model)
    for name in external_files(model):
        (out.parent / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.parent / name, out.parent / name)
    onnx.save(model, str(out))
    if pinning.open_outputs(model.graph):
        settle_outputs(model, lambda seed: execution.execute(str(out), seed))
        onnx.save(model, str(out))
    return {"simplified": "no: the weights are larger than memory should hold, only the shapes were pinned"}


def load_small(model: Any, folder: Path) -> None:
    """Take small external tensors into the file: they may hold shapes, which inference and onnxruntime want to read there."""
    for tensor in external_data_helper._get_all_tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL and math.prod(tensor.dims) <= SMALL:
            external_data_helper.load_external_data_for_tensor(tensor, str(folder))
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]


def simplify(model: Any, out: Path, options: Options) -> dict[str, Any]:
    """Write the most simplified version that still computes what `model` computes; says which, and what was refused."""
    expected = execution.execute_source(model)
    refused: list[str] = []
    for how, version in versions.versions(model, options):
        blob = version.SerializeToString() if version is not None else b""
        change = judge(blob, expected, model)
        if isinstance(change, float):
            write(version, blob, out)
            notes = {"simplified": how, "largest_relative_change": change}
            return notes | ({"refused": refused} if refused else {})
        refused.append(f"{how}: {change}")
    raise ConverterFailed(
        "no version of the model with static shapes computes what the original computes: " + "; ".join(refused),
        remedy="export the model again with fixed shapes and without post-processing",
        code="onnx-pinning-changed-model",
    )


def judge(blob: bytes, expected: execution.Arrays, model: Any) -> float | str:
    """The largest relative change on random inputs, or why this version cannot be taken."""
    if not blob:
        return "the tool failed, or lost an input or output"
    try:
        onnx.checker.check_model(blob)
        got = execution.execute(blob)
    except Exception as error:  # onnxruntime raises its own types, one per status code
        return str(error).splitlines()[0]
    change = execution.largest_change(expected, got)
    if change > TOLERANCE and change > NOISE * own_noise(model, expected):
        return f"changes an output by {change:.2g} of its range"
    return change


def own_noise(model: Any, expected: execution.Arrays) -> float:
    """How far the original moves by rounding alone, when its operators are run one by one."""
    return execution.largest_change(expected, execution.execute(model.SerializeToString(), fused=False))


def write(version: Any, blob: bytes, out: Path) -> None:
    """Save as one file, with static outputs."""
    if pinning.open_outputs(version.graph):
        settle_outputs(version, lambda seed: execution.execute(blob, seed))
        blob = version.SerializeToString()
    out.write_bytes(blob)


def settle_outputs(model: Any, execute: Callable[[int], execution.Arrays]) -> None:
    """Write the output shapes that two runs agree on; raises ConverterFailed where they depend on the data."""
    first, second = execute(1), execute(2)
    culprits = sorted({n.op_type for n in model.graph.node} & DATA_DEPENDENT)
    moving = [name for name in first if first[name].shape != second[name].shape]
    if culprits or moving:
        names = ", ".join(moving or pinning.open_outputs(model.graph))
        raise ConverterFailed(
            f"the size of output {names} depends on the data ({', '.join(culprits) or 'no fixed shape'})",
            where=names,
            remedy="add --via cut, which ends the network in front of it (non-maximum suppression and the like): your application does that part",
            code="dynamic-output",
        )
    pinning.write_outputs(model.graph, {name: array.shape for name, array in first.items()})
