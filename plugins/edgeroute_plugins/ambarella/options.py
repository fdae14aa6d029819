"""Options of the edges to CV25 and CV75."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeroute.types import Calibration, Preprocess, option

PRECISIONS = ("", "fx8", "fx16", "fp16")


@dataclass(frozen=True)
class ReadyOptions:
    """What is done to an ONNX file for the parser."""

    opset: int = option(17, "opset that the file is written in when its own lies outside 13 to 17; 0 leaves it")


@dataclass(frozen=True)
class Options:
    """What the toolchain is asked for."""

    images: int = option(100, "how many calibration samples it gets; 0 for all")
    calibration_files: str = option(
        "images",
        "images: pictures that gen_image_list.py turns into binaries, as Axis' guide does; binaries: edgeroute writes the planar bytes itself",
        choices=("images", "binaries"),
    )
    activations: str = option("", "force a precision of activations; empty leaves it to the compiler (8 bits)", choices=PRECISIONS)
    coefficients: str = option("", "force a precision of weights; empty leaves it to the compiler (8 bits)", choices=PRECISIONS)
    output_format: str = option("fp32", "format of the outputs", choices=("fp32", "fx8", "fx16", "fp16"))
    env_script: str = option("", "a script that is sourced first, where the commands run (inside the container, with docker:IMAGE)")
    calibration: Calibration | None = option(None, "filled in by edgeroute", fill="calibration")
    preprocess: Preprocess = field(default=Preprocess(), metadata={"help": "filled in by edgeroute", "choices": (), "fill": "preprocess"})
    input_range: tuple[float, float] | None = option(None, "filled in by edgeroute", fill="input_range")
