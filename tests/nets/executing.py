"""What the real tests run inside the environments: a runner's session on seeded inputs that do not depend on the layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeroute.resolve import resolve_function


def answers(runner: str, model: str, seed: int) -> dict[str, Any]:
    """Names, shapes and values of the inputs and outputs; pictures are the same whether a file takes NCHW or NHWC."""
    session = resolve_function(runner)(Path(model))
    arrays = [picture_or_not([d or 1 for d in t.shape], seed).astype(t.dtype) for t in session.inputs]
    results = session.run(arrays)
    return {
        "inputs": {t.name: list(a.shape) for t, a in zip(session.inputs, arrays, strict=True)},
        "outputs": {t.name: r.astype(float).tolist() for t, r in zip(session.outputs, results, strict=True)},
        "dtypes": [t.dtype for t in session.inputs],
    }


def picture_or_not(shape: list[int], seed: int) -> Any:
    """Uniform random numbers; for 4-D shapes with few channels drawn as NCHW and turned where the channels come last."""
    import numpy as np

    rng = np.random.default_rng(seed)
    if len(shape) == 4 and shape[3] <= 4 < shape[1]:
        return np.ascontiguousarray(rng.random((shape[0], shape[3], *shape[1:3]), dtype=np.float32).transpose(0, 2, 3, 1))
    return rng.random(shape, dtype=np.float32)


def operators(model: str) -> dict[str, int]:
    """Operator → count of a TFLite file."""
    counts: dict[str, int] = {}
    for node in interpreter(model)._get_ops_details():
        counts[node["op_name"]] = counts.get(node["op_name"], 0) + 1
    return counts


def interpreter(model: str) -> Any:
    """LiteRT without delegates, so that every operator is seen."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    found = Interpreter(model, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    found.allocate_tensors()
    return found


def quantization(model: str) -> dict[str, Any]:
    """Dtypes at the borders, float operators, and how many weights have a scale per channel, by operator."""
    import numpy as np

    lite = interpreter(model)
    tensors = {d["index"]: d for d in lite.get_tensor_details()}
    per_channel: dict[str, int] = {}
    floats = []
    for node in lite._get_ops_details():
        wide = [i for i in node["inputs"][1:2] if i in tensors and tensors[i]["quantization_parameters"]["scales"].size > 1]
        per_channel[node["op_name"]] = per_channel.get(node["op_name"], 0) + len(wide)
        if any(tensors[i]["dtype"] == np.float32 for i in node["outputs"] if i in tensors):
            floats.append(node["op_name"])
    borders = [np.dtype(d["dtype"]).name for d in (*lite.get_input_details(), *lite.get_output_details())]
    return {"borders": borders, "float": floats, "per_channel": per_channel}


def accuracy(model: str, data: str) -> float:
    """Share of pictures that a uint8 classifier tells right."""
    import numpy as np

    lite, test = interpreter(model), np.load(data)
    (taken,), (given,) = lite.get_input_details(), lite.get_output_details()
    scale, zero_point = taken["quantization"]
    right = 0
    for picture, label in zip(test["pictures"], test["labels"], strict=True):
        lite.set_tensor(taken["index"], np.clip(np.round(picture[None] / scale + zero_point), 0, 255).astype(np.uint8))
        lite.invoke()
        right += int(lite.get_tensor(given["index"]).argmax() == label)
    return right / len(test["labels"])
