"""What the real tests do inside the environment `runtime`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError


def answers(model: str) -> dict[str, Any]:
    """Two runs on the same data; a refusal as its code and words."""
    import numpy as np

    from edgeroute_plugins.onnx.run import load

    try:
        session = load(Path(model))
    except SourceError as error:
        return {"code": error.code, "message": error.message, "remedy": error.remedy}
    rng = np.random.default_rng(0)
    arrays = [rng.random([d or 1 for d in t.shape]).astype(t.dtype) for t in session.inputs]
    first, second = session.run(arrays), session.run(arrays)
    return {"shapes": [list(a.shape) for a in first], "repeats": all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))}


def measured(model: str) -> Any:
    from edgeroute_plugins.onnx.run import inspect

    return inspect(Path(model))


def large(folder: str) -> Any:
    """A model whose weights (a sparse file of more than 2 GB) stand beside it: read, measured, run."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper

    rows, columns = 1 << 14, 1 << 15
    path, data = Path(folder) / "model.onnx", Path(folder) / "model.data"
    with data.open("wb") as file:
        file.truncate(4 * rows * columns + 4)
        file.seek(4)
        file.write(np.full(columns, 2, np.float32).tobytes())
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[rows, columns], data_location=TensorProto.EXTERNAL)
    for key, content in {"location": "model.data", "offset": "4", "length": str(4 * rows * columns)}.items():
        weights.external_data.add(key=key, value=content)
    ends = [helper.make_tensor_value_info("x", 1, [1]), helper.make_tensor_value_info("y", 1, [1, columns])]
    index = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    nodes = [helper.make_node("Gather", ["w", "i"], ["row"]), helper.make_node("Mul", ["row", "x"], ["y"])]
    graph = helper.make_graph(nodes, "large", ends[:1], ends[1:], [weights, index])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)

    from edgeroute_plugins.onnx.plugin import edgeroute_recognize
    from edgeroute_plugins.onnx.run import load

    found = edgeroute_recognize(path)
    assert found is not None
    value = float(load(path).run([np.ones(1, np.float32)])[0][0, 0])
    return {"files": [f.name for f in found.files], "parameters": found.facts.details["parameters"], "value": value}


def captured(folder: str) -> Any:
    """A live ModelProto, written by the hook."""
    from onnx import helper

    from edgeroute_plugins.onnx.plugin import edgeroute_capture, edgeroute_recognize

    ends = [helper.make_tensor_value_info(name, 1, [1, 2]) for name in ("x", "y")]
    proto = helper.make_model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:]))
    path = edgeroute_capture(proto, Path(folder), None)
    assert path is not None
    found = edgeroute_recognize(path)
    return found and [found.format, dict(found.facts.operators)]
