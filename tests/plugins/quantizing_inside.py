"""Runs in the environment `runtime`: a float and an integer file on the same samples, with the default delegate."""

from __future__ import annotations

from typing import Any

import numpy as np


def sqnr(reference: str, integer: str) -> float:
    from ai_edge_litert.interpreter import Interpreter

    rng = np.random.default_rng(1)
    files = [Interpreter(path) for path in (reference, integer)]
    for file in files:
        file.allocate_tensors()
    shapes = [d["shape"] for d in files[0].get_input_details()]
    signal, noise = 0.0, 0.0
    for _ in range(8):
        arrays = [rng.random(shape, dtype=np.float32) for shape in shapes]
        expected, got = (_run(file, arrays) for file in files)
        for e, g in zip(expected, got, strict=True):
            signal += float((e**2).sum())
            noise += float(((e - g) ** 2).sum())
    return float(10 * np.log10(signal / max(noise, 1e-30)))


def _run(file: Any, arrays: list[Any]) -> list[Any]:
    for detail, array in zip(file.get_input_details(), arrays, strict=True):
        scale, zero = detail["quantization"]
        limits = np.iinfo(detail["dtype"]) if scale else None
        value = np.clip(np.round(array / scale) + zero, limits.min, limits.max) if limits else array
        file.set_tensor(detail["index"], value.astype(detail["dtype"]))
    file.invoke()
    return [_real(file.get_tensor(d["index"]), *d["quantization"]) for d in file.get_output_details()]


def _real(array: Any, scale: float, zero: int) -> Any:
    return (array.astype(np.float64) - zero) * scale if scale else array.astype(np.float64)
