"""Live PyTorch objects to files, in the caller's own interpreter: torch is there already, or the object would not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import ConverterFailed, UsageError


def is_torch(obj: object) -> bool:
    """Whether it is an nn.Module or an ExportedProgram, told by the names of its classes, so that torch need not be imported."""
    names = {(c.__module__, c.__name__) for c in type(obj).__mro__}
    return ("torch.nn.modules.module", "Module") in names or ("torch.export.exported_program", "ExportedProgram") in names


def capture(obj: Any, folder: Path, inputs: Any) -> Path:
    """Write a live module as an exported program (`model.pt2`), a ScriptModule as TorchScript (`model.pt`).

    `inputs`: one tensor or array, a sequence in the order of `forward`, or a mapping by argument name. The module's mode
    and gradients are left as they were.
    """
    import torch

    if isinstance(obj, torch.export.ExportedProgram):
        torch.export.save(obj, folder / "model.pt2")
        return folder / "model.pt2"
    if isinstance(obj, torch.jit.ScriptModule):
        torch.jit.save(obj, str(folder / "model.pt"))
        return folder / "model.pt"
    if inputs is None:
        raise UsageError(
            "a live torch.nn.Module does not say what its inputs are",
            remedy="give an example: convert(model, to=…, example_inputs=(torch.zeros(1, 3, 224, 224),))",
            code="example-inputs-needed",
        )
    torch.export.save(export(obj, *arguments(inputs)), folder / "model.pt2")
    return folder / "model.pt2"


def arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments as tensors on the CPU."""
    if isinstance(inputs, Mapping):
        return (), {name: to_tensor(value) for name, value in inputs.items()}
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return tuple(to_tensor(value) for value in inputs), {}
    return (to_tensor(inputs),), {}


def to_tensor(value: Any) -> Any:
    """A contiguous tensor on the CPU, from a tensor or an array."""
    import torch

    return torch.as_tensor(value).detach().cpu().contiguous()


def export(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The program of a copy on the CPU in eval mode, so that the caller's module is not touched. Raises ConverterFailed."""
    import copy

    import torch

    try:
        with torch.no_grad():
            return torch.export.export(copy.deepcopy(module).cpu().eval(), args, kwargs or None)
    except Exception as error:  # torch._dynamo and user code: dozens of types without a common base
        text = str(error).strip()
        raise ConverterFailed(
            f"torch.export cannot trace the network: {text.splitlines()[0] if text else type(error).__name__}",
            remedy="take branches on values, .item() and loops over data out of forward(), or pass torch.jit.trace(model, inputs) instead",
            code="torch-export-failed",
        ) from error
