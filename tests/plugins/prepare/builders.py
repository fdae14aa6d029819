"""Small networks for the preparing passes, built node by node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgeroute_plugins.prepare.exact import fidelity, made_up
from edgeroute_plugins.prepare.graph import Graph, from_proto


class Net:
    """Collects nodes and constants; tensors are named `t0`, `t1`, … unless told otherwise."""

    def __init__(self, shape: tuple[int, ...] = (1, 3, 8, 8), seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: type = np.float32) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def add(self, op: str, *inputs: str, out: str = "", outputs: int = 1, **attributes: Any) -> Any:
        names = [out or f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, source: str, into: int, out: int, kernel: int = 3, *, group: int = 1, spread: float = 0.0, **attributes: Any) -> str:
        """A convolution with random weights; `spread` makes its output channels differ by that many e-folds."""
        weights = self.random.normal(size=(out, into // group, kernel, kernel)) / np.sqrt(into / group * kernel * kernel)
        factor = np.exp(spread * self.random.normal(size=(out, 1, 1, 1)))
        bias = 0.1 * self.random.normal(size=out) * factor.reshape(-1)
        attributes.setdefault("pads", [kernel // 2] * 4)
        return str(self.add("Conv", source, self.constant(weights * factor), self.constant(bias), group=group, **attributes))

    def model(self, *outputs: str, opset: int = 15) -> onnx.ModelProto:
        infos = [onnx.ValueInfoProto(name=name) for name in outputs]
        body = helper.make_graph(self.nodes, "net", self.inputs, infos, self.initializers)
        model = helper.make_model(body, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        inferred = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(inferred)
        return inferred


def changed(model: onnx.ModelProto, step: Callable[[Graph], Any]) -> tuple[Graph, float]:
    """The graph after a pass, and the fidelity in dB of its worst output."""
    graph = from_proto(model)
    step(graph)
    graph.prune()
    return graph, min(fidelity(model, graph.to_proto(), made_up(model)).values())


def operators(graph: Graph) -> list[str]:
    return [node.op_type for node in graph.nodes]
