"""Reasons why the compiler cannot take a model, from its facts alone."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_rknn.options import QuantizeOptions

OPSETS = (12, 19)
"""What the toolkit reads (rknn-toolkit2's release notes)."""
MOST_DIMENSIONS = 4


def preflight(facts: Facts, options: QuantizeOptions) -> list[Finding]:
    """Opsets that the toolkit does not read, and inputs with more dimensions than the NPU has."""
    found = []
    opset = facts.details.get("opset")
    if isinstance(opset, int) and opset > OPSETS[1]:
        message, remedy = f"the model's opset is {opset}; the toolkit reads {OPSETS[0]} to {OPSETS[1]}", f"export it with opset {OPSETS[1]}"
        found.append(Finding("rknn-opset", Severity.ERROR, message, remedy, "rknn-quantize"))
    for tensor in facts.inputs:
        if len(tensor.shape) > MOST_DIMENSIONS:
            message, remedy = f"input {tensor.name} has {len(tensor.shape)} dimensions; the NPU has 4", "fold dimensions before the input"
            found.append(Finding("rknn-rank", Severity.ERROR, message, remedy, tensor.name))
    return found
