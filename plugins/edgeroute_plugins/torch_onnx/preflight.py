"""Why a PyTorch edge cannot take a file, told before an environment is built; standard library only."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.torch_onnx.options import DYNAMO_OPSETS, LEGACY_OPSETS, DynamoOptions, ExportOptions, LegacyOptions


def stop(code: str, message: str, remedy: str) -> Finding:
    """A reason why the edge cannot be taken."""
    return Finding(code, Severity.ERROR, message, remedy)


def weights(facts: Facts, options: ExportOptions) -> list[Finding]:
    """`torch-export` of weights: they need a factory (and shapes, which core asks for by itself)."""
    if options.model:
        return []
    return [
        stop(
            "model-factory-needed",
            "weights alone do not say what the network looks like",
            "name what builds it: --model package.module:factory",
        )
    ]


def module(facts: Facts, options: ExportOptions) -> list[Finding]:
    """`torch-export` of a pickled module: it needs the user's word."""
    return trust("a pickled module runs code when it is loaded", options.trust)


def trust(reason: str, given: bool) -> list[Finding]:
    """The user's word, where a file runs code."""
    remedy = "only if you know where the file comes from: repeat the command with --trust-pickle"
    return [] if given else [stop("trust-needed", reason, remedy)]


def dynamo(facts: Facts, options: DynamoOptions) -> list[Finding]:
    """`torch-onnx`: opset 18 and above."""
    if options.opset in DYNAMO_OPSETS:
        return []
    return [
        stop("torch-onnx-opset", f"the exporter writes opsets 18 to 23, not {options.opset}", "for older opsets: --via torch-onnx-legacy")
    ]


def script(facts: Facts, options: LegacyOptions) -> list[Finding]:
    """`torch-onnx-legacy` of TorchScript: the user's word, opset."""
    return trust("a TorchScript file runs code when it is loaded", options.trust) + legacy(facts, options)


def legacy(facts: Facts, options: LegacyOptions) -> list[Finding]:
    """`torch-onnx-legacy`: opsets 13 to 20."""
    if options.opset in LEGACY_OPSETS:
        return []
    return [
        stop("torch-onnx-opset", f"the legacy exporter writes opsets 13 to 20, not {options.opset}", "for newer opsets: --via torch-onnx")
    ]
