"""What a user can set on `onnxslim`; imported in the worker too, so without the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute.types import option


@dataclass(frozen=True)
class Options:
    """How shapes are pinned and the graph is simplified."""

    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included; overrides what the file says", fill="input_shapes"
    )
    simplify: bool = option(True, "fold constants and fuse operators; off: only pin the shapes")
    opset: int = option(13, "files of an older opset are raised to this one, where onnx's own converter can; 0: never")
