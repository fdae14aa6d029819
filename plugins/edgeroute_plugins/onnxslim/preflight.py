"""Reasons why onnxslim cannot take a file, from its facts alone."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.onnxslim.options import Options

OLDEST_OPSET = 7
"""onnxruntime promises to run opset 7 and later."""


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """What is known before the run: an opset that onnxruntime does not promise to run."""
    opset = facts.details.get("opset")
    if isinstance(opset, int) and 0 < opset < OLDEST_OPSET:
        return [
            Finding(
                code="onnx-opset",
                severity=Severity.ERROR,
                message=f"the model's opset is {opset}; onnxruntime runs {OLDEST_OPSET} and later",
                remedy=f"export the model again with opset {OLDEST_OPSET} or later (13 or later is best)",
                where="onnxslim",
            )
        ]
    return []
