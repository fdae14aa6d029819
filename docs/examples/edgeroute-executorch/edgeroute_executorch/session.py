"""Executes programs with the runtime that a phone has, built for this computer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from executorch.runtime import Runtime

from edgeroute.errors import SourceError
from edgeroute.types import Session, Tensor
from edgeroute_executorch import program


class ProgramSession:
    """A loaded method; arrays go in and come out in the order of the program."""

    def __init__(self, model: Path) -> None:
        facts = program.facts(program.read(model), 0)
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[Tensor] = facts.outputs
        try:
            self._program = Runtime.get().load_program(str(model))
            self._method = self._program.load_method("forward")
        except (RuntimeError, ValueError) as error:
            raise SourceError(
                f"ExecuTorch's runtime refuses {model.name}: {error}",
                where=str(model),
                remedy="convert the model again",
                code="executorch-does-not-load",
            ) from error

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference; the answers are copied, because the runtime reuses its memory."""
        answers = self._method.execute([torch.from_numpy(array) for array in arrays])
        return [answer.detach().numpy().copy() for answer in answers]


def load(model: Path) -> Session:
    return ProgramSession(model)
