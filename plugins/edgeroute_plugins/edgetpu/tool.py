"""Where edgetpu_compiler comes from."""

from __future__ import annotations

from edgeroute.types import Tool

TOOL = Tool(
    name="edgetpu-compiler",
    executables=("edgetpu_compiler",),
    variable="EDGEROUTE_EDGETPU_COMPILER",
    remedy="on 64-bit x86 Linux install Google's package edgetpu-compiler (https://coral.ai/docs/edgetpu/compiler/), or "
    "export EDGEROUTE_EDGETPU_COMPILER=/path/to/edgetpu_compiler (or docker:IMAGE)",
)
