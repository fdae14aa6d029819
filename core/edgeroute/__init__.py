"""Turns a trained model into the file that a camera's accelerator loads, and proves that it did.

from edgeroute import convert, plan
result = convert("yolo.onnx", to="artpec8", calibrate="images/")
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeroute.api import blame, check, convert, converters, formats, inspect, plan, targets, verify
    from edgeroute.types import Preprocess

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


class _Package(ModuleType):
    """Keeps the function `edgeroute.verify`: the import of a package of that name would put itself in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
