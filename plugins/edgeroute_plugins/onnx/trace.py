"""Reads every inner tensor of an ONNX file after a run: all of them are made outputs of a copy in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from onnx import numpy_helper

from edgeroute.errors import SourceError
from edgeroute.types import Layer, Tensor, Trace
from edgeroute_plugins.onnx.facts import facts_of
from edgeroute_plugins.onnx.header import parse

THREADS = 2
ERRORS_ONLY = 3
MOST_BYTES = 2**31 - 1
"""Protobuf's limit, and with it that of a model in memory."""


class OnnxTrace:
    """A session over a copy of the model whose inner tensors are outputs; keys are the file's own names."""

    def __init__(self, model: Any, path: Path) -> None:
        blob = model.SerializeToString()
        facts = facts_of(parse(blob, str(path)))
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[str] = [t.name for t in facts.outputs]
        self._constants = {t.name: t for t in model.graph.initializer}
        self._constants |= {
            n.output[0]: n.attribute[0].t for n in model.graph.node if n.op_type == "Constant" and n.attribute[0].name == "value"
        }
        nodes = [n for n in model.graph.node if n.op_type != "Constant"]
        self.layers: Sequence[Layer] = [
            Layer(n.name or n.output[0], n.op_type, tuple(i for i in n.input if i), tuple(o for o in n.output if o)) for n in nodes
        ]
        self._session, self._fetches = _session(model, self.layers)
        self._values: dict[str, Any] = {}

    def run(self, arrays: Sequence[Any]) -> None:
        feeds = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=True)}
        self._values = dict(zip(self._fetches, self._session.run(self._fetches, feeds), strict=True))

    def value(self, key: str) -> Any | None:
        if key in self._constants:
            return numpy_helper.to_array(self._constants[key])
        return self._values.get(key)

    def is_constant(self, key: str) -> bool:
        return key in self._constants

    def shape(self, key: str) -> tuple[int, ...]:
        if key in self._constants:
            return tuple(self._constants[key].dims)
        return tuple(self._values[key].shape) if key in self._values else ()

    def label(self, key: str) -> str:
        return key


def load(model: Path) -> Trace:
    """Open a file for tracing; raises SourceError where it is too large for memory or onnxruntime refuses it."""
    try:
        proto = onnx.load(os.fspath(model))
        if proto.ByteSize() > MOST_BYTES:
            raise ValueError("with its weights the model is larger than 2 GB")
        return OnnxTrace(proto, model)
    except (ValueError, RuntimeError) as error:
        raise SourceError(
            f"{model.name} cannot be traced: {' '.join(str(error).split())[:300]}",
            where=str(model),
            remedy="compare its outputs only: `edgeroute verify` does",
            code="onnx-cannot-be-traced",
        ) from error


def _session(model: Any, layers: Sequence[Layer]) -> tuple[Any, list[str]]:
    """A session that returns every layer's outputs."""
    known = {o.name for o in model.graph.output}
    names = [o for layer in layers for o in layer.outputs]
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in known)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = ERRORS_ONLY
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session, list(dict.fromkeys([*names, *known]))
