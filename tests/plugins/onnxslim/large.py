"""Runs in the environment: treats every model with external weights as one that memory cannot hold."""

from __future__ import annotations

from pathlib import Path

from edgeroute_plugins.onnxslim import run
from edgeroute_plugins.onnxslim.options import Options


def pin_as_if_large(source: str, out: str) -> None:
    run.LARGE, run.SMALL = 0, 8
    run.run(Path(source), Path(out), Options())
