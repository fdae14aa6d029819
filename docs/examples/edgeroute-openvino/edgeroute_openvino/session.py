"""Executes IR on the CPU, in float32 where the file says float: bfloat16 would hide what a step lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.types import Session, Tensor
from edgeroute_openvino import ir
from edgeroute_openvino.quietly import openvino

SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2, "PERFORMANCE_HINT": "LATENCY"}


class IrSession:
    """A compiled model; arrays go in and come out in the order of the file's facts."""

    def __init__(self, model: Path) -> None:
        facts = ir.facts(ir.read(model))
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[Tensor] = facts.outputs
        try:
            compiled = openvino.Core().compile_model(str(model), "CPU", SETTINGS)
        except RuntimeError as error:
            raise SourceError(
                f"OpenVINO refuses {model.name}: {' '.join(str(error).split())[-400:]}",
                where=str(model),
                remedy="convert the model again",
                code="openvino-does-not-load",
            ) from error
        self._request = compiled.create_infer_request()

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference."""
        answers = self._request.infer(dict(enumerate(arrays)), share_outputs=False)
        return [answers[i] for i in range(len(self.outputs))]


def load(model: Path) -> Session:
    return IrSession(model)
