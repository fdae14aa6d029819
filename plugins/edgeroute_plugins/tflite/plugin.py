"""TensorFlow Lite: the formats, how to tell them apart, and who runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Format, Recognition, Runner

_PROMISES = "edgeroute_plugins.tflite.promises"
_SUFFIX = ".tflite"
_STAMP = "edgeroute_plugins.tflite.stamp"


@hookimpl
def edgeroute_formats() -> list[Format]:
    formats = [
        Format("tflite", "TFLite, float", _SUFFIX, static=True, promise=f"{_PROMISES}:floating"),
        Format("tflite-int8", "TFLite, full int8", _SUFFIX, precision="int8", static=True, promise=f"{_PROMISES}:full_integer"),
        Format(
            "tflite-int8-pt",
            "TFLite, full int8 with one scale per tensor",
            _SUFFIX,
            is_a="tflite-int8",
            precision="int8",
            static=True,
            promise=f"{_PROMISES}:per_tensor",
        ),
        Format("tflite-mixed", "TFLite, quantized in part", _SUFFIX),
        Format(
            "tflite-edgetpu",
            "TFLite, compiled for the Edge TPU",
            _SUFFIX,
            precision="opaque",
            static=True,
            promise=f"{_PROMISES}:compiled",
            companions=(_SUFFIX,),
        ),
    ]
    return [replace(f, stamp=f"{_STAMP}:stamp", unstamp=f"{_STAMP}:unstamp") for f in formats]


@hookimpl
def edgeroute_recognize(path: Path) -> Recognition | None:
    """By the identifier TFL3 at byte 4: before any test for zip, since a file with metadata is a valid zip too."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(8)
    if head[4:8] != b"TFL3":
        return None
    from edgeroute_plugins.tflite import analysis, facts, reader

    model = reader.read(path)
    verdict = analysis.analyse(model)
    return Recognition(facts.format_of(verdict), facts.measure(model, verdict, path.stat().st_size))


@hookimpl
def edgeroute_runners() -> list[Runner]:
    formats = ("tflite", "tflite-int8", "tflite-int8-pt", "tflite-mixed")
    return [
        Runner(
            "litert", formats, run="edgeroute_plugins.tflite.run:load", environment="runtime", trace="edgeroute_plugins.tflite.trace:load"
        )
    ]
