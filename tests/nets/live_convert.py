"""`edgeroute.convert` of live objects, as a user's script calls it; run in an interpreter that has the framework and edgeroute."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from edgeroute import convert
from edgeroute.types import ConversionResult


def summary(result: ConversionResult) -> dict[str, Any]:
    """What the tests hold it to."""
    outputs = result.steps[-1].verification.outputs if result.steps[-1].verification else ()
    return {
        "status": result.status,
        "route": list(result.route),
        "format": result.artifact.format if result.artifact else "",
        "inputs": [list(t.shape) for t in result.artifact.facts.inputs] if result.artifact else [],
        "worst": max((o.relative for o in outputs), default=None),
        "commands": [s.command for s in result.steps],
    }


def torch_module(place: Path) -> dict[str, Any]:
    """A module in training mode with half its life in 16 bits: converted as it infers, and left as it was."""
    import torch

    from tests.nets.torch_live import Nested
    from tests.nets.torch_nets import Depthwise

    torch.manual_seed(0)
    net = Depthwise().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plain = convert(net, "cpu", example_inputs=(torch.rand(1, 3, 32, 32),), out=place / "plain.tflite")
    untouched = net.training and all(torch.equal(v, before[n]) for n, v in net.state_dict().items())
    half = convert(Depthwise().half(), "cpu", example_inputs=(torch.rand(1, 3, 32, 32).half(),), out=place / "half.tflite")
    inputs = {"middle": torch.rand(1, 5), "zebra": torch.rand(1, 3, 8, 8), "apple": torch.rand(1, 1, 6, 6)}
    nested = convert(Nested(), "cpu", example_inputs=inputs, out=place / "nested.tflite")
    return {"plain": summary(plain), "half": summary(half), "nested": summary(nested), "untouched": untouched}


def keras_model(place: Path) -> dict[str, Any]:
    """A Keras model with two inputs and two outputs."""
    from tests.nets.keras_nets import two_headed

    return {"plain": summary(convert(two_headed(), "cpu", out=place / "plain.tflite"))}


if __name__ == "__main__":
    imported = "torch" in sys.modules or "keras" in sys.modules or "tensorflow" in sys.modules
    answer = {"torch": torch_module, "keras": keras_model}[sys.argv[1]](Path(sys.argv[2]))
    Path(sys.argv[2], "answer.json").write_text(json.dumps({**answer, "imported_by_edgeroute": imported}))
