"""A model's inner tensors in the place of its outputs: what a network that was cut is held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import VerificationFailed
from edgeroute.resolve import resolve_function
from edgeroute.types import Tensor, Trace

Array = Any
CUT_ELSEWHERE = "cut-elsewhere"
"""Code of the error that a model has no tensors of these names to be compared with."""


class TracedSession:
    """A `Session` whose outputs are tensors inside the model, as real numbers."""

    def __init__(self, trace: Trace, names: Sequence[str], model: str) -> None:
        keys = {trace.label(key): key for layer in trace.layers for key in layer.outputs}
        missing = [name for name in names if name not in keys]
        if missing:
            raise VerificationFailed(
                f"{Path(model).name} has no tensor {', '.join(missing)}, so a network that ends there cannot be compared with it",
                where=model,
                remedy="name tensors of the source: --set cut.at=TENSOR; a viewer such as Netron shows them",
                code=CUT_ELSEWHERE,
            )
        self._trace, self._keys = trace, [keys[name] for name in names]
        self.inputs: Sequence[Tensor] = trace.inputs
        self.outputs: Sequence[Tensor] = [Tensor(name, (), "float32") for name in names]

    def run(self, arrays: Sequence[Array]) -> Sequence[Array]:
        self._trace.run(arrays)
        return [self._trace.value(key) for key in self._keys]


def open_traced(runner: str, model: str, names: Sequence[str]) -> TracedSession:
    """Open a model by a Runner's `trace`; VerificationFailed where it has no such tensors."""
    return TracedSession(resolve_function(runner)(Path(model)), names, model)
