"""What the real tests do inside the environment `runtime`."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def inputs(model: str) -> Any:
    from edgeroute.types import to_json
    from edgeroute_plugins.tflite.run import load

    return to_json(list(load(Path(model)).inputs))


def onnx_blame(folder: str) -> Any:
    """Two files of one network, and one whose second convolution has other weights."""
    import numpy as np
    import onnx

    from edgeroute.types import Tensor, to_json
    from edgeroute.verify import attribution, samples

    first, same, changed = (Path(folder) / f"{n}.onnx" for n in ("first", "same", "changed"))
    weights = np.random.default_rng(0).standard_normal((4, 4, 3, 3)).astype(np.float32)
    onnx.save(network(weights, "a"), first)
    onnx.save(network(weights, "b"), same)
    onnx.save(network(weights, "c", 1.1), changed)
    made = samples.prepare("", to_json([Tensor("x", (1, 4, 8, 8), "float32")]), {}, folder + "/made")["calibration"]
    trace = "edgeroute_plugins.onnx.trace:load"
    return {name: attribution.blame(trace, str(first), trace, str(path), made) for name, path in (("same", same), ("changed", changed))}


def network(weights: Any, prefix: str, factor: float = 1.0) -> Any:
    """Conv, Relu, Conv, Concat; inner tensors are named differently in every file."""
    from onnx import TensorProto, helper, numpy_helper

    still = numpy_helper.from_array(weights[:, ::-1] * 0.1, "w1")
    nodes = [
        helper.make_node("Conv", ["x", "w1"], [f"{prefix}1"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", [f"{prefix}1"], [f"{prefix}2"], name="relu"),
        helper.make_node("Conv", [f"{prefix}2", "w2"], [f"{prefix}3"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("Concat", [f"{prefix}1", f"{prefix}3"], ["y"], name="joined", axis=1),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 4, 8, 8]), ("y", [1, 8, 8, 8]))]
    graph = helper.make_graph(
        nodes, "net", ends[:1], ends[1:], [still, numpy_helper.from_array((weights * factor).astype("float32"), "w2")]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
