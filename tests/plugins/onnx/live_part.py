"""What the tests of parts do inside the environment `runtime`."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def network(folder: Path) -> Path:
    """x → Conv → Relu → Add(constant) → If(then Relu of the Conv's result) → Concat; with names and weights."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32), "w")
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    inner = [helper.make_tensor_value_info("t", TensorProto.FLOAT, [1, 4, 6, 6])], [helper.make_node("Relu", ["c"], ["t"])]
    other = [helper.make_tensor_value_info("e", TensorProto.FLOAT, [1, 4, 6, 6])], [helper.make_node("Neg", ["c"], ["e"])]
    branches = {n: helper.make_graph(nodes, n, [], outs) for n, (outs, nodes) in (("then", inner), ("else", other))}
    nodes = [
        helper.make_node("Constant", [], ["k"], value=one),
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Add", ["r", "k"], ["a"], name="add"),
        helper.make_node("If", ["flag"], ["i"], name="if", then_branch=branches["then"], else_branch=branches["else"]),
        helper.make_node("Concat", ["a", "i"], ["y"], name="concat", axis=1),
    ]
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8]),
        helper.make_tensor_value_info("flag", TensorProto.BOOL, [1]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 6, 6]),
    ]
    graph = helper.make_graph(nodes, "net", ends[:2], ends[2:], [weights])
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def parts(folder: str, wanted: list[list[int]]) -> Any:
    """For every part its inputs, outputs and operators, after a check and a run in onnxruntime."""
    import numpy as np
    import onnx
    import onnxruntime

    from edgeroute_plugins.onnx.part import part

    source = network(Path(folder))
    answer: dict[str, Any] = {"names": part(source, source, []), "parts": []}
    for keep in wanted:
        out = Path(folder) / "part.onnx"
        part(source, out, keep)
        model = onnx.load(out)
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(str(out))
        kinds = {"tensor(float)": np.float32, "tensor(bool)": np.bool_}
        feeds = {i.name: np.ones(i.shape, kinds[i.type]) for i in session.get_inputs()}
        results = dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds), strict=True))
        answer["parts"].append([sorted(feeds), {n: list(v.shape) for n, v in results.items()}, [n.op_type for n in model.graph.node]])
    return answer
