"""The usual numbers of a quantized detector, and its scores: `python scores.py ONNX FOLDER_OF_TFLITE PICTURES` prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

Array = Any
MEASURED = 32
"""Pictures from the end of the folder; for these numbers it matters little which."""


def main() -> None:
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    model, folder, pictures = sys.argv[1:]
    session = onnxruntime.InferenceSession(model)
    interpreter = Interpreter(str(next(Path(folder).glob("*.tflite"))))
    interpreter.allocate_tensors()
    files = sorted(Path(pictures).iterdir())
    rows = [pixels(f) for f in files[-MEASURED:]]
    reference = np.stack([session.run(None, {session.get_inputs()[0].name: r})[0][0] for r in rows]).astype(np.float64)
    answers = np.stack([run(interpreter, r) for r in rows]).astype(np.float64)
    noise = ((answers - reference) ** 2).sum()
    print(
        json.dumps(
            {
                "sqnr": 10 * np.log10((reference**2).sum() / noise),
                "cosine": (answers * reference).sum() / np.sqrt((answers**2).sum() * (reference**2).sum()),
                "correlation": np.corrcoef(answers.ravel(), reference.ravel())[0, 1],
                "top": reference[:, 4:].max(),
                "bottom": answers[:, 4:].max(),
                "measured": len(rows),
                "samples": len(files) - MEASURED,
            }
        )
    )


def pixels(file: Path) -> Array:
    from PIL import Image

    picture = np.asarray(Image.open(file).convert("RGB").resize((320, 320)), np.float32) / 255
    return picture.transpose(2, 0, 1)[None]


def run(interpreter: Any, row: Array) -> Array:
    """One inference at real values."""
    (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()
    value = row.transpose(0, 2, 3, 1) if tuple(given["shape"]) != row.shape else row
    scale, zero = given["quantization"]
    if scale:
        value = np.clip(np.rint(value / scale + zero), *(np.iinfo(given["dtype"]).min, np.iinfo(given["dtype"]).max))
    interpreter.set_tensor(given["index"], np.ascontiguousarray(value.astype(given["dtype"])))
    interpreter.invoke()
    answer = interpreter.get_tensor(taken["index"])[0]
    scale, zero = taken["quantization"]
    return (answer.astype(np.float32) - zero) * scale if scale else answer


if __name__ == "__main__":
    main()
