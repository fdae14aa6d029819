"""A plugin whose int8 files round their output to steps of some grey levels: what they lose is known beforehand.

A model is a JSON file `{"kind": "pic-float", "step": 0.0}`; it answers with the pixels that it is given, of 0..1, as grey levels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.types import Converter, Environment, Facts, Format, Recognition, Runner, Target, Tensor, option

HERE = __name__
PICTURE = Tensor("x", (1, 3, 16, 16), "float32")
SIZE = Tensor("size", (1, 2), "float32")
ANSWER = Tensor("y", (1, 3, 16, 16), "float32")


@dataclass(frozen=True)
class Options:
    step: float = option(6.0, "grey levels between two values of the output")


def edgeroute_formats() -> list[Format]:
    return [Format("pic-float", "pictures", ".pic", static=True), Format("pic-int8", "pictures", ".pic", precision="int8", static=True)]


def edgeroute_environments() -> list[Environment]:
    return [Environment("runtime", ("numpy", "pillow"))]


def edgeroute_converters() -> list[Converter]:
    return [Converter("rounds", "pic-float", "pic-int8", f"{HERE}:run", Options)]


def edgeroute_targets() -> list[Target]:
    return [Target("pic-device", "a screen", ("pic-int8",))]


def edgeroute_runners() -> list[Runner]:
    return [Runner("pictures", ("pic-float", "pic-int8"), f"{HERE}:load")]


def edgeroute_recognize(path: Path) -> Recognition | None:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError, UnicodeDecodeError):
        return None
    inputs = (PICTURE, SIZE) if told.get("sized") else (PICTURE,)
    return Recognition(told["kind"], Facts(inputs, (ANSWER,))) if str(told.get("kind")).startswith("pic-") else None


def run(source: Path, out: Path, options: Options) -> Facts:
    out.write_text(json.dumps({**json.loads(source.read_text()), "kind": "pic-int8", "step": options.step}))
    return Facts()


class PictureSession:
    """Grey levels, rounded to the model's step."""

    def __init__(self, told: Any) -> None:
        self.inputs: Sequence[Tensor] = (PICTURE, SIZE) if told.get("sized") else (PICTURE,)
        self.outputs: Sequence[Tensor] = (ANSWER,)
        self._told, self._calls = told, 0

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        grey = 255 * arrays[0]
        if self._told.get("only_whole_pixels") and self._told["kind"] == "pic-float" and np.abs(grey - grey.round()).max() > 0.01:
            raise RuntimeError("these are no bytes")
        step = self._told.get("step")
        return [(grey / step).round() * step if step else grey]


def load(model: Path) -> PictureSession:
    return PictureSession(json.loads(Path(model).read_text()))
