"""Rockchip's plugin under edgeroute's contract suite."""

from __future__ import annotations

from edgeroute.testing import samples
from edgeroute.testing.contract import PluginContract


class TestContract(PluginContract):
    plugin = "edgeroute_rknn.plugin"
    samples = {"onnx": samples.onnx}  # noqa: RUF012
