"""What a user can set on `onnx2tflite`; imported in the worker too, so without the hooks."""

from __future__ import annotations

from dataclasses import dataclass

from edgeroute.types import option


@dataclass(frozen=True)
class Options:
    """How the tool is called."""

    native_groupconv: bool = option(False, "keep grouped convolutions whole instead of one convolution per group")
    simplify: bool = option(False, "let the tool run onnxsim first")
