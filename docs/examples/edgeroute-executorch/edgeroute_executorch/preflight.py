"""Reasons why ExecuTorch cannot take a model, from its facts alone."""

from __future__ import annotations

from typing import Any

from edgeroute.types import Facts, Finding, Severity

KERNELS = ("float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool")


def preflight(facts: Facts, options: Any) -> list[Finding]:
    """Types that the runtime's kernels do not compute on."""
    strange = [t for t in facts.inputs if t.dtype not in KERNELS]
    return [
        Finding(
            "executorch-dtype",
            Severity.ERROR,
            f"input {t.name} is {t.dtype}, which the runtime's kernels do not take",
            "export the network with float32 inputs",
            where=t.name,
        )
        for t in strange
    ]
