"""Executes a project in the vendor's simulator: float arrays go in and come out, the arithmetic between is the chip's."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import ConverterFailed, SourceError
from edgeroute.types import Session, Tensor
from edgeroute_rknn import project, vendor
from edgeroute_rknn.quantize import PROBE


class SimulatorSession:
    """A project that was built anew from its files, as the compiler does."""

    def __init__(self, folder: Path) -> None:
        facts = project.facts(folder)
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[Tensor] = facts.outputs
        self._open = contextlib.ExitStack()
        try:
            self._toolkit = self._open.enter_context(vendor.opened(folder, PROBE))
            vendor.must(self._toolkit.init_runtime(), "init_runtime")
        except (ValueError, ConverterFailed) as error:
            raise SourceError(
                f"the simulator refuses {folder.name}: {error}", where=str(folder), remedy="quantize again", code="rknn-does-not-load"
            ) from error
        self._layouts = ["nchw" if len(t.shape) == 4 else None for t in self.inputs]

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference."""
        answers = self._toolkit.inference(inputs=list(arrays), data_format=self._layouts)
        return [answer.reshape([int(d or 1) for d in t.shape]) for answer, t in zip(answers, self.outputs, strict=True)]


def load(model: Path) -> Session:
    return SimulatorSession(model)
