"""Reasons why onnx2tf cannot take a file, from its facts alone."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.onnx2tf.options import Options

OLDEST_OPSET = 9
CONTROL_FLOW = {"If": "branches", "Loop": "loops", "Scan": "loops"}
"""They become WHILE and IF, which no accelerator runs; a device file needs one straight graph."""

NO_COUNTERPART = {"StringNormalizer", "TfIdfVectorizer", "Optional", "OptionalGetElement", "SequenceMap", "MelWeightMatrix", "RandomNormal"}
QUANTIZED = {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}


def through_tensorflow(facts: Facts, options: Options) -> list[Finding]:
    """The same for 1.x, which cannot be trusted with an LSTM.

    Measured, the batch first: it stops where no initial state is given, and computes something else where one is.
    """
    remedy = "take the 2.x edge: --via onnx2tf; from a PyTorch source also --via litert-torch"
    wrong = [_error("onnx2tf-recurrent", "onnx2tf 1.x computes an LSTM wrongly or not at all", remedy)]
    return [*preflight(facts, options), *(wrong if facts.operators.get("LSTM") else [])]


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """What is known before the run: opset, operators and element types that TFLite has no counterpart for."""
    findings = _opset(facts)
    findings += [
        _error(
            "onnx2tf-operator",
            f"operator {name} has no counterpart in a TFLite file that a device runs ({why})",
            f"export the model without {name}: fixed shapes and plain layers; cut post-processing off",
        )
        for name, why in (*CONTROL_FLOW.items(), *((n, "no such operator") for n in sorted(NO_COUNTERPART)))
        if facts.operators.get(name)
    ]
    if QUANTIZED & set(facts.operators):
        findings.append(
            _error(
                "onnx2tf-quantized-source",
                "the model is quantized already; its scales would be lost",
                "give the float model that it was made from: edgeroute quantizes it for the device",
            )
        )
    return findings


def _opset(facts: Facts) -> list[Finding]:
    opset = facts.details.get("opset")
    if isinstance(opset, int) and 0 < opset < OLDEST_OPSET:
        remedy = f"export the model again with opset {OLDEST_OPSET} or later, or let edgeroute raise it: --set onnxslim.opset=13"
        return [_error("onnx-opset", f"the model's opset is {opset}; onnx2tf needs {OLDEST_OPSET} or later", remedy)]
    return []


def _error(code: str, message: str, remedy: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, remedy=remedy, where="onnx2tf")
