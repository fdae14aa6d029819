"""Declares the preparing edges: ONNX → ONNX, each one preserving the float outputs, before a network is quantized.

Every stage is a format of its own, so that a route shows what was done. They are taken on request (`--via`, a search): `cut` in front
of `onnxslim`, which makes shapes static that a selection would leave open; then camera, prepare, split-heads, equalize, whose files are
onnx-static, too, so that any consumer takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Format, Json
from edgeroute_plugins.prepare.options import CameraOptions, CutOptions, EqualizeOptions, PrepareOptions, SplitOptions

PACKAGE = "edgeroute_plugins.prepare"


@hookimpl
def edgeroute_formats() -> Iterable[Format]:
    return [
        Format("onnx-cut", "ONNX, cut before its post-processing", ".onnx", is_a="onnx"),
        _format("onnx-camera", "ONNX that takes a camera's pixels", "onnx-static"),
        _format("onnx-prepared", "ONNX, folded and spelled for int8", "onnx-static"),
        _format("onnx-split", "ONNX, joined outputs taken apart", "onnx-prepared"),
        _format("onnx-equalized", "ONNX, channels equalized for int8", "onnx-prepared"),
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        _edge("cut", "onnx", "onnx-cut", CutOptions, "end the network before its post-processing, or at a named tensor"),
        _edge("camera", "onnx-static", "onnx-camera", CameraOptions, "fold the preprocessing in: the network takes raw pixels"),
        _edge(
            "prepare",
            "onnx-static",
            "onnx-prepared",
            PrepareOptions,
            "fold affine operators and padding, spell activations for int8",
            gain=2.0,
        ),
        _edge("split-heads", "onnx-prepared", "onnx-split", SplitOptions, "give joined boxes and scores scales of their own", gain=4.0),
        _edge(
            "equalize",
            "onnx-prepared",
            "onnx-equalized",
            EqualizeOptions,
            "rescale channels across layers so that 8 bits go further",
            20,
            gain=4.0,
            variants=({"granularity": "channel", "gain": -0.5},),
        ),
    ]


def _format(name: str, title: str, is_a: str) -> Format:
    return Format(name, title, ".onnx", is_a=is_a, static=True, promise="edgeroute_plugins.onnx.promises:static")


def _edge(
    name: str,
    source: str,
    target: str,
    options: type,
    title: str,
    seconds: float = 3,
    gain: float = 0.0,
    variants: tuple[Mapping[str, Json], ...] = (),
) -> Converter:
    return Converter(
        name=name,
        title=title,
        source=source,
        target=target,
        run=f"{PACKAGE}.run:{name.replace('-', '_')}",
        options=options,
        environment="runtime",
        cost=Cost(risk=0.01, seconds=seconds),
        on_request=True,
        gain=gain,
        variants=variants,
        effort="balanced" if gain else "",
    )
