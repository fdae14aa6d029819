"""Reads what ExecuTorch starts from: an exported program, or ONNX by way of onnx2torch. Imported in the worker."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import SourceError

REMEDY = "export the model again"


def program_of(source: Path) -> tuple[Any, tuple[Any, ...]]:
    """An ExportedProgram and example inputs of its shapes. Raises SourceError for what cannot be read."""
    return _from_onnx(source) if source.suffix == ".onnx" else _from_archive(source)


def _from_archive(source: Path) -> tuple[Any, tuple[Any, ...]]:
    try:
        program = torch.export.load(str(source))
    except Exception as error:  # torch raises what its archive reader raises: zipfile's, pickle's and its own errors
        raise SourceError(f"torch cannot read {source.name}: {error}", remedy=REMEDY, code="executorch-unreadable") from error
    placeholders = [n for n in program.graph.nodes if n.op == "placeholder" and n.name in program.graph_signature.user_inputs]
    shapes = [(tuple(int(d) for d in n.meta["val"].shape), n.meta["val"].dtype) for n in placeholders]
    return program, tuple(_example(shape, dtype) for shape, dtype in shapes)


def _from_onnx(source: Path) -> tuple[Any, tuple[Any, ...]]:
    _without_torchvision()
    import onnx
    from onnx2torch import convert

    try:
        model = onnx.load(str(source))
    except Exception as error:  # protobuf's own exception class depends on its version
        raise SourceError(f"onnx cannot read {source.name}: {error}", remedy=REMEDY, code="executorch-unreadable") from error
    constants = {tensor.name for tensor in model.graph.initializer}
    ports = [port for port in model.graph.input if port.name not in constants]
    if not ports:
        raise SourceError(f"{source.name} has no inputs", remedy=REMEDY, code="executorch-unreadable")
    examples = tuple(_example(*_static(port)) for port in ports)
    return torch.export.export(convert(model).eval(), examples, strict=False), examples


def _static(port: Any) -> tuple[tuple[int, ...], torch.dtype]:
    import onnx

    kind = port.type.tensor_type
    numpy_type = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    return tuple(d.dim_value for d in kind.shape.dim), getattr(torch, str(numpy_type))


def _example(shape: tuple[int, ...], dtype: torch.dtype) -> Any:
    return torch.rand(shape).to(dtype) if dtype.is_floating_point else torch.zeros(shape, dtype=dtype)


def _without_torchvision() -> None:
    """onnx2torch imports torchvision for two operators of detectors' post-processing, which has no place in a program for a phone."""
    vision, operators = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
    operators.roi_align = operators.nms = operators.box_convert = None  # type: ignore[attr-defined]
    vision.ops = operators  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": vision, "torchvision.ops": operators}
