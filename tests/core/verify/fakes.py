"""Models without a runtime: a JSON file names a function on arrays, and `load` makes a Session of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.types import Json, Tensor, to_json
from edgeroute.verify import border, execute, samples

Array = Any
RUNNER = "tests.core.verify.fakes:load"


def nchw_head(x: Array) -> list[Array]:
    """A picture-like output [1, 4, H, W] and a vector [1, 5] of an input [1, 3, H, W]."""
    maps = np.concatenate([x, x.mean(1, keepdims=True) ** 2], axis=1)
    return [maps, np.stack([x[0, c % 3, c, 2 * c] for c in range(5)])[None]]


def detector(x: Array) -> list[Array]:
    """Boxes up to 320 over scores up to 1, joined as [1, 6, 64]; input [1, 3, 16, 16]."""
    flat = x.reshape(3, -1)[:, :64]
    boxes = np.concatenate([np.abs(flat), np.abs(flat[:1]) * 0.5]) * 100 + 5
    scores = 1 / (1 + np.exp(-4 * flat[:2]))
    return [np.concatenate([boxes, scores])[None].astype(np.float32)]


FUNCTIONS: dict[str, Callable[..., list[Array]]] = {
    "nchw_head": nchw_head,
    "nhwc_head": lambda x: [m.transpose(0, 2, 3, 1) if m.ndim == 4 else m for m in nchw_head(x.transpose(0, 3, 1, 2))],
    "swapped": lambda x: nchw_head(x)[::-1],
    "detector": detector,
    "turned_detector": lambda x: [detector(x)[0].transpose(0, 2, 1)],
    "split_detector": lambda x: [detector(x)[0][:, :4], detector(x)[0][:, 4:]],
    "nan": lambda x: [np.where(m > m.mean(), np.nan, m) for m in nchw_head(x)],
    "noisy": lambda x: [m + 0.3 * m.std() * np.sin(1e4 * m) for m in nchw_head(x)],
    "wrong": lambda x: [m[..., ::-1] for m in nchw_head(x)],
    "flattened": lambda x: [nchw_head(x)[0].transpose(0, 2, 3, 1).reshape(1, -1), nchw_head(x)[1]],
    "flat": lambda x: [nchw_head(x)[0].reshape(1, -1), nchw_head(x)[1]],
    "count": lambda x: [(x > 0).sum(axis=(2, 3)).astype(np.int64)],
    "ragged": lambda x: [x.reshape(-1)[x.reshape(-1) > 0.5], x.mean(axis=(2, 3))],
    "two": lambda a, b: [a + b.sum()],
    "two_again": lambda b, a: [a + b.sum()],
}


class FakeSession:
    def __init__(self, description: Json) -> None:
        self.inputs: Sequence[Tensor] = [_tensor(t) for t in description["inputs"]]
        self.outputs: Sequence[Tensor] = [_tensor(t) for t in description["outputs"]]
        self.joined: Sequence[Json] = description.get("joined", [])
        self._function = FUNCTIONS[description["function"]]

    def run(self, arrays: Sequence[Array]) -> Sequence[Array]:
        for array, tensor in zip(arrays, self.inputs, strict=True):
            assert array.shape == tuple(d or n for d, n in zip(tensor.shape, array.shape, strict=True)) and array.dtype == tensor.dtype
        real = [border.to_real(a, t) for a, t in zip(arrays, self.inputs, strict=True)]
        results = self._function(*real)
        return [border.to_dtype(r, t) for r, t in zip(results, self.outputs, strict=True)]


def load(model: Path) -> FakeSession:
    text = model.read_text()
    if text == "broken":
        raise RuntimeError("tensor 7 has no\nquantization")
    return FakeSession(json.loads(text))


def write(folder: Path, function: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor], joined: Sequence[Json] = ()) -> str:
    """A model file; its path."""
    path = folder / f"{function}.fake"
    description = {"function": function, "inputs": to_json(list(inputs)), "outputs": to_json(list(outputs)), "joined": list(joined)}
    path.write_text(json.dumps(description))
    return str(path)


def floats(name: str, *shape: int | None) -> Tensor:
    return Tensor(name, tuple(shape), "float32")


def bytes_of(name: str, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """A uint8 tensor that holds low..high."""
    scale = (high - low) / 255
    return Tensor(name, shape, "uint8", scale=(scale,), zero_point=(round(-low / scale),))


def prepared(folder: Path, *inputs: Tensor, count: int = 12, seed: int = 0) -> Json:
    """Normal random arrays as a calibration that is not marked random."""
    generator = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    values = {t.name: generator.standard_normal((count, *samples.row_shape(t)), dtype=np.float32) for t in inputs}
    np.savez(folder / "given.npz", **values)
    return samples.prepare(str(folder / "given.npz"), to_json(list(inputs)), {}, str(folder / "samples"))["calibration"]


def referred(folder: Path, model: str, calibration: Json) -> str:
    """The folder with the model's own answers."""
    execute.reference(RUNNER, model, calibration, str(folder / "reference"))
    return str(folder / "reference")


def _tensor(value: Json) -> Tensor:
    return Tensor(**{**value, "shape": tuple(value["shape"]), "scale": tuple(value["scale"]), "zero_point": tuple(value["zero_point"])})
