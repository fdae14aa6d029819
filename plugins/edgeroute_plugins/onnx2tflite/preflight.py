"""Why `onnx2tflite` cannot take a file, told before an environment is built; standard library only."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.onnx2tflite.options import Options

NEWEST_OPSET = 17
"""From 18 on, axes are inputs and no longer attributes; the tool ignores them in silence and writes a wrong file (measured)."""
MISSING = frozenset(
    ("LayerNormalization", "GroupNormalization", "LSTM", "GRU", "RNN", "Where", "Einsum", "NonMaxSuppression", "Loop", "If", "Scan", "Gelu")
)


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """Opset and operators."""
    found = []
    opset = int(facts.details.get("opset") or 0)
    if opset > NEWEST_OPSET:
        remedy = f"export with opset {NEWEST_OPSET} (--via torch-onnx-legacy), or take --via onnx2tf"
        found.append(Finding("onnx2tflite-opset", Severity.ERROR, f"it computes wrongly from opset 18 on; the file has {opset}", remedy))
    if missing := sorted(MISSING & set(facts.operators)):
        remedy = "take another converter: --via onnx2tf"
        found.append(Finding("onnx2tflite-operator", Severity.ERROR, f"it does not know {', '.join(missing)}", remedy))
    return found
