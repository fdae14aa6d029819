"""Loading what torch wrote, without running what a stranger put into it; imported in the worker."""

from __future__ import annotations

import dataclasses
import os
import pickle
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import SourceError, TrustError
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.torch_onnx.options import TRUST_VARIABLE
from edgeroute_plugins.torch_onnx.screen import rewritten, screen

TRUST_REMEDY = "only if you know where the file comes from: repeat the command with --trust-pickle"

NAMES = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "short": "int16"}


def dtype_name(dtype: Any) -> str:
    """NumPy's name of a torch dtype."""
    name = str(dtype).removeprefix("torch.")
    return NAMES.get(name, name)


def trusted(trust: bool) -> bool:
    """Whether the user gave their word, by option or by variable."""
    return trust or os.environ.get(TRUST_VARIABLE) == "1"


def load_program(path: Path, trust: bool = False) -> Any:
    """The ExportedProgram in a `.pt2`. Raises TrustError, before anything is loaded, when the file can do more than compute."""
    if trusted(trust):
        return deserialize(path)
    try:
        reasons = screen(path)
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise damaged(path, error) from error
    if reasons:
        raise untrusted(path, "; ".join(reasons[:3]))
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    with tempfile.TemporaryDirectory(prefix="edgeroute-") as folder:
        program = deserialize(rewritten(path, Path(folder) / "program.pt2"))
    program._guards_code = []
    return program


def deserialize(path: Path) -> Any:
    """`torch.export.load`, with an error that says what to do."""
    try:
        return torch.export.load(str(path))
    except pickle.UnpicklingError as error:
        raise untrusted(path, "a pickled object that is more than tensors") from error
    except (RuntimeError, ValueError, KeyError, AssertionError, AttributeError, TypeError) as error:
        raise damaged(path, error) from error


def untrusted(path: Path, reason: str) -> TrustError:
    """The refusal to load a program that may do more than compute."""
    message = f"loading the exported program may run code from the file: {reason}"
    return TrustError(message, where=path.name, remedy=TRUST_REMEDY, code="trust-needed")


def damaged(path: Path, error: Exception) -> SourceError:
    """A file that torch cannot read: damaged, or of another torch."""
    return SourceError(
        f"the exported program cannot be read: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}",
        where=path.name,
        remedy=f"save it again with torch.export.save (this environment has torch {torch.__version__}; files of other versions may not load)",
        code="torch-program-unreadable",
    )


def load_script(path: Path, trust: bool = False) -> Any:
    """The ScriptModule in a TorchScript file, in eval mode. Raises TrustError unless the user gave their word: its code runs."""
    if not trusted(trust):
        raise TrustError(
            "a TorchScript file holds code that runs when the model is loaded and used (it can write files)",
            where=path.name,
            remedy=TRUST_REMEDY,
            code="trust-needed",
        )
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise SourceError(
            f"the TorchScript file cannot be read: {str(error).strip().splitlines()[0]}",
            where=path.name,
            remedy="save it again with torch.jit.save",
            code="torchscript-unreadable",
        ) from error


def user_inputs(program: Any) -> list[tuple[str, Any]]:
    """Name and example value (a FakeTensor or a constant) of each input, in order."""
    values = {n.name: n.meta.get("val") for n in program.graph.nodes if n.op == "placeholder"}
    return [(name, values.get(name)) for name in program.graph_signature.user_inputs]


def names_of(program: Any, given: Mapping[str, Sequence[int]]) -> list[str]:
    """Names for the inputs: those that the user gave shapes for where they fit in number and shape, else the program's own."""
    ports = [tensor(n, v) for n, v in user_inputs(program) if isinstance(v, torch.Tensor)]
    own = [p.name for p in ports]
    if set(given) == set(own) or len(given) != len(own) or not all(given):
        return own
    fits = all(
        len(p.shape) == len(s) and all(a in (None, b) for a, b in zip(p.shape, s, strict=True))
        for p, s in zip(ports, given.values(), strict=True)
    )
    return list(given) if fits else own


def user_outputs(program: Any) -> list[tuple[str, Any]]:
    """Name and example value of each output, in order."""
    values = {n.name: n.meta.get("val") for n in program.graph.nodes}
    return [(str(name), values.get(name)) for name in program.graph_signature.user_outputs]


def tensor(name: str, value: Any) -> Tensor:
    """Shape and dtype; a symbolic dimension is None."""
    shape = tuple(d if isinstance(d, int) else None for d in value.shape)
    return Tensor(name, shape, dtype_name(value.dtype))


def program_facts(program: Any, **notes: Any) -> Facts:
    """What stands in an exported program: ports, operators, parameters."""
    operators: dict[str, int] = {}
    for node in program.graph.nodes:
        if node.op == "call_function":
            operators[str(node.target)] = operators.get(str(node.target), 0) + 1
    parameters = sum(int(p.numel()) for p in program.state_dict.values())
    return Facts(
        inputs=tuple(tensor(n, v) for n, v in user_inputs(program) if isinstance(v, torch.Tensor)),
        outputs=tuple(tensor(n, v) for n, v in user_outputs(program) if isinstance(v, torch.Tensor)),
        operators=operators,
        details={"parameters": parameters, "torch": str(torch.__version__)},
        notes=notes,
    )


def example_inputs(program: Any, shapes: Mapping[str, Sequence[int]] | None = None) -> list[Any]:
    """One random tensor per input, of its shape and dtype; what the program leaves open comes from `shapes`, else it is 1."""
    generator = torch.Generator().manual_seed(0)
    ports = [tensor(n, v) for n, v in user_inputs(program) if isinstance(v, torch.Tensor)]
    return [random_tensor(settle(p, (shapes or {}).get(p.name, ())), generator) for p in ports]


def settle(port: Tensor, shape: Sequence[int]) -> Tensor:
    """The port with its open dimensions taken from `shape` (1 where that says nothing)."""
    dims = tuple(d if d is not None else (shape[i] if i < len(shape) else 1) for i, d in enumerate(port.shape))
    return dataclasses.replace(port, shape=dims)


def random_tensor(port: Tensor, generator: Any) -> Any:
    """Uniform in 0..1 for floats, 0 and 1 for integers and booleans."""
    shape = list(port.shape)
    dtype = getattr(torch, port.dtype)
    if dtype.is_floating_point:
        return torch.rand(shape, generator=generator).to(dtype)
    return torch.randint(0, 2, shape, generator=generator).to(dtype)
