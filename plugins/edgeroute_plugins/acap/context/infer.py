"""Runs the model beside it: `python infer.py --self-test`, `--image FILE`, `--npz FILE`, or as a module with `Model().run(arrays)`.

Written by edgeroute; it needs numpy, the runtime that model.json names, and pillow for pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
FEW = 5


class Model:
    """The model of a folder, loaded; arrays go in and come out in the order of model.json."""

    def __init__(self, folder: Path = HERE) -> None:
        self.told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.inputs, self.outputs = self.told["inputs"], self.told["outputs"]
        path, threads = str(folder / self.told["model"]), int(self.told["threads"])
        self._run = open_onnx(path, threads, self.told) if self.told["runtime"] == "onnxruntime" else open_tflite(path, threads, self.told)

    def run(self, arrays: list[Any]) -> list[Any]:
        """One inference."""
        fed = [np.ascontiguousarray(a, dtype=t["dtype"]).reshape(t["shape"]) for a, t in zip(arrays, self.inputs, strict=True)]
        return list(self._run(fed))

    def picture(self, file: str) -> Any:
        """A picture as the network's first input wants it: resized, normalised as in training, quantized where the input is."""
        from PIL import Image

        tensor, train = self.inputs[0], self.told["preprocess"]
        planar = tensor["layout"] == "NCHW"
        height, width = tensor["shape"][2:4] if planar else tensor["shape"][1:3]
        mode = "L" if train["color"] == "grey" else "RGB"
        pixels = np.asarray(fitted(Image.open(file).convert(mode), (width, height), train["resize"]), dtype=np.float32)
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        pixels = pixels[..., ::-1] if train["color"] == "bgr" else pixels
        x = (pixels * train["scale"] - np.array(train["mean"], np.float32)) / np.array(train["std"], np.float32)
        return quantized((x.transpose(2, 0, 1) if planar else x)[None], tensor)


def fitted(image: Any, size: tuple[int, int], how: str) -> Any:
    """Stretched, cropped at the centre, or letterboxed on grey."""
    from PIL import Image, ImageOps

    if how == "crop":
        return ImageOps.fit(image, size, Image.Resampling.BILINEAR)
    if how == "letterbox":
        grey = (114,) * len(image.getbands())
        return ImageOps.pad(image, size, Image.Resampling.BILINEAR, color=grey if len(grey) > 1 else grey[0])
    return image.resize(size, Image.Resampling.BILINEAR)


def quantized(x: Any, tensor: dict[str, Any]) -> Any:
    """q = round(x / scale) + zero_point for an integer input; x itself for a float one."""
    if not tensor["scale"]:
        return x.astype(tensor["dtype"])
    limits = np.iinfo(tensor["dtype"])
    return np.clip(np.rint(x / tensor["scale"][0]) + tensor["zero_point"][0], limits.min, limits.max).astype(tensor["dtype"])


def open_onnx(path: str, threads: int, told: dict[str, Any]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names, wanted = [t["name"] for t in told["inputs"]], [t["name"] for t in told["outputs"]]
    return lambda arrays: session.run(wanted, dict(zip(names, arrays, strict=True)))


def open_tflite(path: str, threads: int, told: dict[str, Any]) -> Any:
    import importlib

    interpreter = importlib.import_module(told["runtime"]).Interpreter(model_path=path, num_threads=threads)
    interpreter.allocate_tensors()
    inputs = by_name(interpreter.get_input_details(), told["inputs"])
    outputs = by_name(interpreter.get_output_details(), told["outputs"])

    def run(arrays: list[Any]) -> list[Any]:
        for index, array in zip(inputs, arrays, strict=True):
            interpreter.set_tensor(index, array)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in outputs]

    return run


def by_name(details: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[int]:
    """Tensor indices in the order of model.json; by position where the runtime names them otherwise."""
    known = {d["name"]: d["index"] for d in details}
    return [known.get(t["name"], details[i]["index"]) for i, t in enumerate(wanted)]


def sample(model: Model, which: str, folder: Path = HERE) -> list[Any]:
    """The packed arrays: `input` or `output`."""
    count = len(model.inputs if which == "input" else model.outputs)
    return [np.load(folder / "sample" / f"{which}_{i}.npy", allow_pickle=False) for i in range(count)]


def self_test(model: Model, folder: Path = HERE) -> dict[str, Any]:
    """The packed sample against the answers that were recorded when the context was made."""
    answers = model.run(sample(model, "input", folder))
    worst = 0.0
    for answer, expected in zip(answers, sample(model, "output", folder), strict=True):
        span = float(np.ptp(expected.astype(np.float64))) or 1.0
        worst = max(worst, float(np.abs(answer.astype(np.float64) - expected).max()) / span)
    return {"ok": worst <= model.told["tolerance"], "largest_relative_difference": worst, "tolerance": model.told["tolerance"]}


def summary(answers: list[Any], outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shape, range and the largest entries of every output."""
    told = []
    for answer, tensor in zip(answers, outputs, strict=True):
        flat = answer.reshape(-1)
        top = np.argsort(-flat.astype(np.float64), kind="stable")[:FEW]
        told.append(
            {
                "name": tensor["name"],
                "shape": list(answer.shape),
                "min": float(flat.min()),
                "max": float(flat.max()),
                "top": [[int(i), float(flat[i])] for i in top],
            }
        )
    return told


def timed(model: Model, arrays: list[Any], rounds: int) -> tuple[list[Any], float]:
    """The answers, and milliseconds of one inference after a first one."""
    answers = model.run(arrays)
    started = time.perf_counter()
    for _ in range(rounds):
        answers = model.run(arrays)
    return answers, 1000 * (time.perf_counter() - started) / max(1, rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the model beside this file.")
    parser.add_argument("--image", help="a picture")
    parser.add_argument("--npz", help="arrays input_0, input_1, … as the network takes them")
    parser.add_argument("--out", help="write the answers to this .npz")
    parser.add_argument("--rounds", type=int, default=10, help="how many inferences are timed")
    parser.add_argument("--self-test", action="store_true", help="compare with the recorded answers")
    asked = parser.parse_args()
    model = Model()
    if asked.self_test:
        told = self_test(model)
        print(json.dumps(told))
        return 0 if told["ok"] else 1
    if asked.image:
        arrays = [model.picture(asked.image)]
    elif asked.npz:
        given = np.load(asked.npz, allow_pickle=False)
        arrays = [given[f"input_{i}"] for i in range(len(model.inputs))]
    else:
        arrays = sample(model, "input")
    answers, milliseconds = timed(model, arrays, asked.rounds)
    if asked.out:
        np.savez(asked.out, **{f"output_{i}": a for i, a in enumerate(answers)})
    print(json.dumps({"milliseconds": milliseconds, "outputs": summary(answers, model.outputs)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
