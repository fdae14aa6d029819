"""The environment `runtime`: what executes ONNX and TFLite files and reads pictures, for verification and inspection; onnxslim is small
and needs the same libraries, so it lives here too."""

from __future__ import annotations

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Environment


@hookimpl
def edgeroute_environments() -> list[Environment]:
    return [
        Environment(
            name="runtime",
            requirements=(
                "numpy==2.4.6",
                "pillow==13.0.0",
                "onnx==1.23.2",
                "onnxslim==0.1.98",
                "onnxruntime==1.32.0",
                "ai-edge-litert==2.3.0",
            ),
            python=">=3.11,<3.14",
            accepts=("numpy>=1.26", "pillow>=10", "onnx>=1.17", "onnxslim>=0.1.90", "onnxruntime>=1.20", "ai-edge-litert>=2.1"),
            megabytes=500,
        )
    ]
