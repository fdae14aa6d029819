"""Inner tensors in the place of outputs: what a network that was cut is held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeroute.errors import VerificationFailed
from edgeroute.runner.chain import NO_STEPS, after
from edgeroute.types import Layer, Tensor
from edgeroute.verify.traced import open_traced


class Doubling:
    """x → 2x → 4x; keys are numbers, labels the names that people know."""

    inputs: Sequence[Tensor] = (Tensor("x", (1, 2), "float32"),)
    outputs: Sequence[str] = ("2",)
    layers: Sequence[Layer] = (Layer("a", "Double", ("0",), ("1",)), Layer("b", "Double", ("1",), ("2",)))

    def run(self, arrays: Sequence[Any]) -> None:
        self.x = arrays[0]

    def value(self, key: str) -> Any:
        return self.x * 2 ** int(key)

    def is_constant(self, key: str) -> bool:
        return False

    def shape(self, key: str) -> tuple[int, ...]:
        return ()

    def label(self, key: str) -> str:
        return {"1": "/head/twice", "2": "out"}.get(key, key)


def load(model: Path) -> Doubling:
    return Doubling()


def test_inner_tensors_are_outputs_in_the_order_that_was_asked_for() -> None:
    session = open_traced(f"{__name__}:load", "net.onnx", ["out", "/head/twice"])
    fourfold, twofold = session.run([np.array([[1.0, 3.0]])])
    assert [t.name for t in session.outputs] == ["out", "/head/twice"] and session.inputs == Doubling.inputs
    assert (fourfold.tolist(), twofold.tolist()) == ([[4.0, 12.0]], [[2.0, 6.0]])


def test_a_tensor_that_the_model_does_not_have_is_named() -> None:
    with pytest.raises(VerificationFailed) as caught:
        open_traced(f"{__name__}:load", "net.onnx", ["out", "/tail/thrice"])
    assert caught.value.code == "cut-elsewhere" and "no tensor /tail/thrice," in caught.value.message and "cut.at" in caught.value.remedy


def test_the_last_cut_is_where_a_network_ends() -> None:
    chain = after(after(NO_STEPS, {"cut": {"outputs": ["a", "b"], "dropped": ["out"]}}), {"joined": [{"output": "a"}]})
    assert (chain.cut, NO_STEPS.cut) == (("a", "b"), ())
    assert after(chain, {"cut": {"outputs": ["c"]}}).cut == ("c",)
