"""Reasons why TensorFlow's quantizer cannot take a file, from its facts alone."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.tfquant.options import Options

STAY_FLOAT = {"SIN", "COS", "FLOOR", "ROUND", "CEIL", "ELU", "POW", "CUMSUM", "SIGN", "LOCAL_RESPONSE_NORMALIZATION"}
"""Measured on TensorFlow 2.21: float between DEQUANTIZE and QUANTIZE."""


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """What is known before the run: custom operators, and builtins that would stay in float."""
    findings = []
    custom = sorted(n for n in facts.operators if n.startswith(("Flex", "CUSTOM")))
    if custom:
        remedy = "cut the model before it: no accelerator runs it, and the application can"
        findings.append(_error("custom-operator", f"{', '.join(custom)} cannot be quantized", remedy))
    floats = sorted(STAY_FLOAT & set(facts.operators))
    if floats:
        remedy = "spell them in other operators (ELU → ReLU, Erf-GELU → tanh-GELU), or convert for the cpu target"
        findings.append(_error("quantizer-leaves-float", f"{', '.join(floats)} would stay in float", remedy))
    return findings


def _error(code: str, message: str, remedy: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, remedy=remedy, where="tf-quantizer")
