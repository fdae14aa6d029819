"""Reasons why the toolchain cannot take a file, from its facts alone; the rules CV-001 to CV-007 say the same of the file itself."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity, Tensor
from edgeroute_plugins.ambarella.options import Options

SEPARATORS = "|:,= "
"""What the parsers' flag strings use between values."""
OPSETS = range(13, 18)


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """Open shapes, batches, inputs that are no planar RGB picture, samples that no picture can be made of."""
    found = [f for tensor in facts.inputs for f in _of_input(tensor)]
    calibration = options.calibration
    if calibration is not None and options.input_range is None and not options.preprocess.known and any(map(is_picture, facts.inputs)):
        found.append(_unknown_training())
    return found


def is_picture(tensor: Tensor) -> bool:
    """Four dimensions, three of them channels at the front or at the end."""
    return len(tensor.shape) == 4 and 3 in (tensor.shape[1], tensor.shape[3])


def _of_input(tensor: Tensor) -> list[Finding]:
    if not tensor.is_static:
        return [_error("ambarella-open-shape", f"input {tensor.name} leaves dimensions open", "pin them: --input-shape 1,3,H,W", tensor)]
    if len(tensor.shape) == 4 and tensor.shape[0] != 1:
        return [
            _error("ambarella-batch", f"the batch of input {tensor.name} is {tensor.shape[0]}", "export the model with batch 1", tensor)
        ]
    return []


def _unknown_training() -> Finding:
    return _error(
        "ambarella-training-unknown",
        "calibration pictures cannot be made: how pixels become the network's input is not known",
        "say how it was trained: --preprocess 0..1 (or -1..1, imagenet, a file), with --calibrate FOLDER",
    )


def _error(code: str, message: str, remedy: str, tensor: Tensor | None = None) -> Finding:
    return Finding(code, Severity.ERROR, message, remedy, where=tensor.name if tensor else "")


def ready(facts: Facts) -> list[str]:
    """The promise of `onnx-cvflow`: static, in one file, with tensor names that the flags can carry."""
    border = (*facts.inputs, *facts.outputs)
    broken = [f"{t.name} has an open shape" for t in border if not t.is_static]
    broken += [f"the name {t.name!r} holds a separator" for t in border if set(t.name) & set(SEPARATORS)]
    outside = facts.details.get("external_data") or []
    return broken + ([f"weights stand in {', '.join(outside)}"] if outside else [])
