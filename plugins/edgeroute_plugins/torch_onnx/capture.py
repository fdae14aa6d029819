"""Live PyTorch objects to files, in the caller's own interpreter: torch is there already, or the object would not be."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import ConverterFailed, UsageError

WRAPPERS = ("DataParallel", "DistributedDataParallel", "OptimizedModule")


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
    module = unwrapped(obj)
    torch.export.save(export(module, *arguments(module, inputs)), folder / "model.pt2")
    return folder / "model.pt2"


def unwrapped(module: Any) -> Any:
    """The network inside DataParallel, DistributedDataParallel and torch.compile."""
    while type(module).__name__ in WRAPPERS:
        module = module._orig_mod if hasattr(module, "_orig_mod") else module.module
    return module


def arguments(module: Any, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and (only where `forward` wants them so) keyword arguments as tensors. Raises UsageError for names that it does not take."""
    if isinstance(inputs, Mapping):
        try:
            bound = inspect.signature(module.forward).bind(**{name: to_tensor(value) for name, value in inputs.items()})
        except TypeError as error:
            raise UsageError(
                f"the example inputs do not fit forward(): {error}",
                remedy=f"name them as forward() does: {', '.join(inspect.signature(module.forward).parameters)}",
                code="example-inputs-wrong",
            ) from error
        return bound.args, dict(bound.kwargs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return tuple(to_tensor(value) for value in inputs), {}
    return (to_tensor(inputs),), {}


def to_tensor(value: Any) -> Any:
    """A contiguous tensor on the CPU, from a tensor or an array; 16-bit floats are widened, as the network's weights are."""
    import torch

    tensor = torch.as_tensor(value).detach().cpu().contiguous()
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def widened(module: Any) -> Any:
    """A copy on the CPU in eval mode, its 16-bit weights as float32: the same numbers, which every converter takes."""
    import torch

    copied = copy.deepcopy(module).cpu().eval()
    narrow = any(p.dtype in (torch.float16, torch.bfloat16) for p in (*copied.parameters(), *copied.buffers()))
    return copied.float() if narrow else copied


def export(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The program of a copy, so that the caller's module is not touched, held against it. Raises UsageError, ConverterFailed, VerificationFailed."""
    import torch

    from edgeroute_plugins.torch_onnx.export import first_line, held, outputs

    network = widened(module)
    try:
        expected = outputs(network, args, kwargs)
    except Exception as error:  # the user's code
        raise UsageError(
            f"the network does not run on the example inputs: {first_line(error)}",
            remedy="give example_inputs of the shapes and dtypes that forward() takes, batch included",
            code="torch-network-does-not-run",
        ) from error
    try:
        with torch.no_grad():
            program = torch.export.export(network, args, kwargs or None)
    except Exception as error:  # torch._dynamo and user code: dozens of types without a common base
        raise ConverterFailed(
            f"torch.export cannot trace the network: {first_line(error)}",
            remedy="take branches on values, .item() and loops over data out of forward(), or pass torch.jit.trace(model, inputs) instead",
            code="torch-export-failed",
        ) from error
    held(expected, outputs(program.module(), args, kwargs))
    return program
