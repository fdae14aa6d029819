"""Counts right answers of a TFLite file on test.jpg beside this script, in an interpreter that has ai-edge-litert.

Prints one JSON object: `right`, per cent of the digits, and `off`, how far centres are from the true ones, in pixels of the 640 by 640 picture. A file
that takes bytes gets them by its own scale and zero point; one that takes floats gets the pictures divided by 255, as in training. The box and the
probabilities come in one output, or in two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

HERE = Path(__file__).resolve().parent
BOX = 4


class File:
    """A TFLite file as an application uses it."""

    def __init__(self, path: Path) -> None:
        self.model = Interpreter(model_path=str(path))
        self.model.allocate_tensors()
        (self.into,) = self.model.get_input_details()
        self.outputs = sorted(self.model.get_output_details(), key=lambda o: int(o["shape"][-1]))

    def __call__(self, picture: Any) -> Any:
        """uint8 [64, 64, 3] → float32 [14]: the box, and ten probabilities."""
        kind, (scale, zero) = self.into["dtype"], self.into["quantization"]
        real = (picture if self.into["shape"][-1] == 3 else picture.transpose(2, 0, 1)).astype(np.float32) / 255
        fed = np.clip(np.round(real / scale + zero), np.iinfo(kind).min, np.iinfo(kind).max) if scale else real
        self.model.set_tensor(self.into["index"], fed[None].astype(kind))
        self.model.invoke()
        return np.concatenate([self._real(o) for o in self.outputs])

    def _real(self, output: Any) -> Any:
        value, (scale, zero) = self.model.get_tensor(output["index"]).ravel().astype(np.float32), output["quantization"]
        return (value - zero) * scale if scale else value


def pictures(side: int) -> Any:
    """The tiles of the sheet, row by row: uint8 [count, side, side, 3]."""
    whole = np.asarray(Image.open(HERE / "test.jpg").convert("RGB"))
    rows, columns = whole.shape[0] // side, whole.shape[1] // side
    return whole.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


def main() -> None:
    truth = json.loads((HERE / "test.json").read_text(encoding="utf-8"))
    labels, centres = np.array(truth["labels"]), np.array(truth["centres"])
    file = File(Path(sys.argv[1]))
    said = np.stack([file(picture) for picture in pictures(truth["side"])[: len(labels)]])
    right = 100 * float((said[:, BOX:].argmax(1) == labels).mean())
    print(json.dumps({"right": right, "off": float(np.abs(said[:, :2] - centres).mean())}))


if __name__ == "__main__":
    main()
