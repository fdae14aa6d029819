"""ExecuTorch's plugin under edgeroute's contract suite."""

from __future__ import annotations

from pathlib import Path

from edgeroute.testing import samples
from edgeroute.testing.contract import PluginContract

PROGRAM = Path(__file__).with_name("tiny.pt2")
"""The suite's own tiny model, as torch.export.save wrote it."""


class TestContract(PluginContract):
    plugin = "edgeroute_executorch.plugin"
    samples = {"onnx": samples.onnx, "torch-exported": PROGRAM}  # noqa: RUF012
