"""Turns a trained model into the file that a camera's accelerator loads, and proves that it did.

from edgeroute import convert, plan
result = convert("yolo.onnx", to="artpec8", calibrate="images/")
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["Preprocess", "blame", "check", "convert", "converters", "formats", "inspect", "plan", "targets", "verify"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first asked for, so that plugins and the worker pay nothing for it."""
    if name == "Preprocess":
        from edgeroute.types import Preprocess

        return Preprocess
    if name in __all__:
        from edgeroute import api

        return getattr(api, name)
    raise AttributeError(f"module 'edgeroute' has no attribute {name!r}")
