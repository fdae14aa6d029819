"""How exported programs and TorchScript files are executed on arrays; imported in the worker."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.torch_onnx.options import SHAPES_VARIABLE
from edgeroute_plugins.torch_onnx.programs import load_program, load_script, program_facts


class TorchSession:
    """A module on the CPU, without gradients."""

    def __init__(self, module: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.module = module
        self.inputs = inputs
        self.outputs = outputs

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference: NumPy arrays in the order of the inputs; NumPy arrays in the order of the outputs."""
        with torch.no_grad():
            answer = self.module(*(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays))
        leaves = torch.utils._pytree.tree_leaves(answer)
        return [t.detach().numpy() for t in leaves if isinstance(t, torch.Tensor)]


def open_program(model: Path) -> TorchSession:
    """A session on an exported program. Raises TrustError where loading it may run code and EDGEROUTE_TRUST_MODEL is not 1."""
    program = load_program(model)
    facts = program_facts(program)
    return TorchSession(program.module(), facts.inputs, facts.outputs)


def inspect_program(model: Path) -> Facts:
    """Ports, operators and parameters of an exported program."""
    return program_facts(load_program(model))


def open_script(model: Path) -> TorchSession:
    """A session on a TorchScript file, with the shapes that the user gave. Raises TrustError unless EDGEROUTE_TRUST_MODEL is 1."""
    module = load_script(model)
    names = [v.debugName().split(".")[0] for v in list(module.graph.inputs())[1:]]
    given = json.loads(os.environ.get(SHAPES_VARIABLE, "{}"))
    shapes = [tuple(given[n]) for n in names] if set(names) == set(given) else [tuple(s) for s in given.values()]
    shapes += [()] * (len(names) - len(shapes))
    inputs = [Tensor(n, s, "float32") for n, s in zip(names, shapes, strict=False)]
    return TorchSession(module, inputs, [Tensor(n, (), "float32") for n in script_outputs(module, model)])


def script_outputs(module: Any, model: Path) -> list[str]:
    """Names for the outputs, counted from the type that `forward` returns."""
    kind = next(iter(module.graph.outputs())).type()
    if kind.kind() == "TensorType":
        return ["output"]
    if kind.kind() == "TupleType":
        return [f"output_{i}" for i in range(len(kind.elements()))]
    raise SourceError(
        f"the TorchScript network returns {kind.str()}; only tensors and tuples of tensors can be compared",
        where=model.name,
        remedy="return a tensor or a tuple of tensors from forward() and save it again",
        code="torchscript-outputs",
    )
