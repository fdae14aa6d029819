"""Looks at what a bare tool left: `python probe.py PRISTINE SOURCE_AFTERWARDS TFLITE SHAPE` prints JSON. Runs where onnxruntime and LiteRT are."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

Array = Any
RESTLESS = 0.005
"""What moves less is rounding."""


def main() -> None:
    pristine, afterwards, tflite, shape = sys.argv[1:]
    feed, expected = reference(pristine, shape)
    print(json.dumps({"source": source(afterwards, feed), "file": file(tflite, feed, expected)}))


def reference(model: str, shape: str) -> tuple[dict[str, Array], list[Array]]:
    """Seeded data for every input, and what onnxruntime answers."""
    import onnxruntime

    session = opened(model)
    generator = np.random.default_rng(0)
    told = {t.name: tuple(d if isinstance(d, int) else 1 for d in t.shape) for t in onnxruntime.InferenceSession(model).get_inputs()}
    pinned = tuple(int(d) for d in shape.rpartition(":")[2].split(",")) if shape else ()
    feed = {}
    for tensor in session.get_inputs():
        sizes = pinned or told[tensor.name]
        integer = "int" in tensor.type
        feed[tensor.name] = generator.integers(0, 200, sizes, np.int32) if integer else generator.random(sizes, np.float32)
    return feed, session.run(None, feed)


def opened(model: str) -> Any:
    """A session that takes any size: a file may say sizes that are not its network's, which onnxruntime then insists on."""
    import onnx
    import onnxruntime

    proto = onnx.load(model)
    for value in (*proto.graph.input, *proto.graph.output):
        for i, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.dim_param = f"{value.name}_{i}"
    del proto.graph.value_info[:]
    return onnxruntime.InferenceSession(proto.SerializeToString())


def source(model: str, feed: dict[str, Array]) -> str:
    """Whether the file that the tool was given still works."""
    try:
        session = opened(model)
        session.run(None, {t.name: v for t, v in zip(session.get_inputs(), feed.values(), strict=True)})
    except Exception as error:
        return f"no longer loads: {str(error).splitlines()[0][:120]}"
    return "works"


def file(model: str, feed: dict[str, Array], expected: list[Array]) -> dict[str, Any]:
    """Does it load, does it ask for what was asked, and does it compute what the source computes?"""
    from ai_edge_litert.interpreter import Interpreter

    if not Path(model).is_file():
        return {"state": "no file"}
    try:
        interpreter = Interpreter(model)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        return {"state": "does not load", "said": str(error).splitlines()[0][:120]}
    details = interpreter.get_input_details()
    if [sorted(d["shape"]) for d in details] != [sorted(v.shape) for v in feed.values()]:
        return {"state": f"takes {', '.join(str(list(map(int, d['shape']))) for d in details)}"}
    opened = any(-1 in d.get("shape_signature", ()) for d in (*details, *interpreter.get_output_details()))
    try:
        answers = run(interpreter, details, feed)
    except (RuntimeError, ValueError) as error:
        return {"state": "does not run", "said": str(error).splitlines()[0][:120]}
    told = [e for e in expected if np.ptp(e) >= RESTLESS]
    if not told:
        return {"state": f"not told: made-up data moves its output by {max(float(np.ptp(e)) for e in expected):.1g} only"}
    return {"state": "runs", "open": opened, "off": max(nearest(e, answers) for e in told)}


def run(interpreter: Any, details: list[Any], feed: dict[str, Array]) -> list[Array]:
    for detail, value in zip(details, feed.values(), strict=True):
        turned = next(v for v in orders(value) if v.shape == tuple(detail["shape"]))
        interpreter.set_tensor(detail["index"], np.ascontiguousarray(turned.astype(detail["dtype"])))
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def nearest(expected: Array, answers: list[Array]) -> float:
    """The difference over the range, to the closest of the file's outputs in the closest order of axes; 1 where none has its size."""
    span = float(np.ptp(expected)) or 1.0
    found = [float(np.abs(o - expected).max()) / span for a in answers for o in orders(a) if o.shape == expected.shape]
    found += [float(np.abs(a.reshape(expected.shape) - expected).max()) / span for a in answers if a.size == expected.size]
    return min(found, default=1.0)


def orders(value: Array) -> list[Array]:
    """Channels-last first: that is what the tool means to write."""
    if value.ndim not in (3, 4):
        return [value]
    usual = (0, *range(2, value.ndim), 1)
    return [value.transpose(o) for o in (usual, *itertools.permutations(range(value.ndim)))]


if __name__ == "__main__":
    main()
