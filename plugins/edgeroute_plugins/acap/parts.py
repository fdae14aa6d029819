"""What goes into a container, by architecture and runtime. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = "edgeroute-acap/1"
DESCRIPTION = "model.json"
SCRIPT = "infer.py"
SAMPLE = "sample"


@dataclass(frozen=True)
class Kind:
    """One kind of container. The pins were seen as wheels for its architecture on PyPI; for 32-bit ARM there are none of numpy and pillow."""

    format: str
    title: str
    source: str
    """Format of the model inside."""
    runtime: str
    """Module that infer.py imports."""
    arch: str
    requirements: tuple[str, ...]
    debian: tuple[str, ...] = ()
    """Packages that come from Debian instead."""
    here: tuple[str, ...] = ()
    """What stands for Debian's packages where the container's Python part is checked."""
    precision: str = "float"

    @property
    def environment(self) -> str:
        return f"acap-{self.runtime.replace('_', '-').partition('.')[0]}"

    @property
    def suffix(self) -> str:
        return ".onnx" if self.source.startswith("onnx") else ".tflite"


ARM64 = ("numpy==2.4.6", "pillow==13.0.0")
ONNX = ("onnxruntime==1.32.0", *ARM64)
LITERT = ("ai-edge-litert==2.3.0", *ARM64)
TFLITE = ("tflite-runtime==2.14.0",)
DEBIAN = ("python3-numpy", "python3-pil")
HERE = ("numpy==1.26.4", "pillow==11.3.0")
LITE, LITERT_MODULE, TFLITE_MODULE = "TFLite", "ai_edge_litert.interpreter", "tflite_runtime.interpreter"

KINDS = (
    Kind("acap-onnx", "Container with ONNX Runtime, 64-bit ARM", "onnx-static", "onnxruntime", "aarch64", ONNX),
    Kind("acap-tflite", "Container with LiteRT, 64-bit ARM", "tflite", LITERT_MODULE, "aarch64", LITERT),
    Kind("acap-tflite-int8", "Container with LiteRT, int8, 64-bit ARM", "tflite-int8", LITERT_MODULE, "aarch64", LITERT, precision="int8"),
    Kind("acap32-tflite", "Container with TFLite, 32-bit ARM", "tflite", TFLITE_MODULE, "armv7hf", TFLITE, DEBIAN, HERE),
    Kind(
        "acap32-tflite-int8",
        "Container with TFLite, int8, 32-bit ARM",
        "tflite-int8",
        TFLITE_MODULE,
        "armv7hf",
        TFLITE,
        DEBIAN,
        HERE,
        "int8",
    ),
)
TARGETS = {"acap-container": "aarch64", "acap-container-armv7hf": "armv7hf"}
PLATFORMS = {"aarch64": "linux/arm64", "armv7hf": "linux/arm/v7"}


def kind_of(format_name: str) -> Kind:
    return next(k for k in KINDS if k.format == format_name)
