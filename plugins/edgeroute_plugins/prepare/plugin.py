"""Declares the preparing edges: ONNX → ONNX, each one preserving the float outputs, before a network is quantized.

Every stage is a format of its own, so that a route shows what was done:
onnx-static → onnx-prepared → onnx-equalized; all of them are onnx-static too, so that any consumer takes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Format
from edgeroute_plugins.prepare.options import EqualizeOptions, PrepareOptions

PACKAGE = "edgeroute_plugins.prepare"
PROMISE = "edgeroute_plugins.onnx.promises:static"


@hookimpl
def edgeroute_formats() -> Iterable[Format]:
    return [
        Format("onnx-prepared", "ONNX, folded and spelled for int8", ".onnx", is_a="onnx-static", static=True, promise=PROMISE),
        Format("onnx-equalized", "ONNX, channels equalized for int8", ".onnx", is_a="onnx-static", static=True, promise=PROMISE),
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="prepare",
            title="fold affine operators and padding, spell activations for int8",
            source="onnx-static",
            target="onnx-prepared",
            run=f"{PACKAGE}.run:prepare",
            options=PrepareOptions,
            environment="runtime",
            cost=Cost(risk=0.01, seconds=3),
        ),
        Converter(
            name="equalize",
            title="rescale channels across layers so that 8 bits go further",
            source="onnx-prepared",
            target="onnx-equalized",
            run=f"{PACKAGE}.run:equalize",
            options=EqualizeOptions,
            environment="runtime",
            cost=Cost(risk=0.01, seconds=15),
        ),
    ]
