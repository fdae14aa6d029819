"""Runs a build context's model by the context's own code, in the environment that its container has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError, TrustError
from edgeroute.types import Tensor
from edgeroute_plugins.acap.context import infer
from edgeroute_plugins.acap.context_files import is_ours, recognize
from edgeroute_plugins.acap.parts import SCRIPT


class ContextSession:
    """The context's `Model`, in the order of the model's facts."""

    def __init__(self, model: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._model = model

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        answers: Sequence[Any] = self._model.run(list(arrays))
        return answers


def load(model: Path) -> ContextSession:
    """Open a context; TrustError where its code is not the one that edgeroute writes."""
    found = recognize(model)
    if found is None:
        raise SourceError(
            f"{model.name} is no build context of edgeroute's", remedy="edgeroute convert MODEL --to acap-container", code="acap-damaged"
        )
    _must_be_ours(model)
    return ContextSession(infer.Model(model), found.facts.inputs, found.facts.outputs)


def _must_be_ours(folder: Path) -> None:
    """The code that runs here is our own copy of the context's; so they must be the same."""
    if not is_ours(folder):
        raise TrustError(
            f"{SCRIPT} in {folder.name} was changed: it is not run here",
            where=str(folder),
            remedy=f"run it yourself if you trust it: python {folder.name}/{SCRIPT} --self-test",
            code="acap-code",
        )
