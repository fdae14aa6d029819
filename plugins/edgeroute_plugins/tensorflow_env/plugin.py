"""Declares the environment `tensorflow`: the converter, its stand-alone quantizer, Keras 2 and 3, tf2onnx."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Environment


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    return [
        Environment(
            name="tensorflow",
            requirements=("tensorflow==2.21.0", "tf-keras==2.21.0", "keras==3.15.1", "tf2onnx==1.17.0", "onnx==1.23.2", "numpy==2.4.6"),
            accepts=("tensorflow>=2.19,<2.22", "tf-keras>=2.19,<2.22", "tf2onnx>=1.17", "onnx>=1.17"),
            python=">=3.11,<3.14",
            megabytes=2300,
        )
    ]
