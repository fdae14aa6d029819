"""Runs ONNX files in onnxruntime on the CPU, and measures what needs shape inference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as refusals

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Session, Tensor
from edgeroute_plugins.onnx.external import external_files
from edgeroute_plugins.onnx.facts import facts_of
from edgeroute_plugins.onnx.header import parse, read

THREADS = 2
OLDEST_OPSET = 9
ERRORS_ONLY = 3
FLOATS = frozenset({1, 10, 11, 16})
"""TensorProto's numbers for float32, float16, float64 and bfloat16."""
_REFUSED = (
    refusals.Fail,
    refusals.InvalidArgument,
    refusals.InvalidGraph,
    refusals.InvalidProtobuf,
    refusals.NoSuchFile,
    refusals.NotImplemented,
    refusals.RuntimeException,
)


class OnnxSession:
    """A loaded model; arrays go in and come out in the order of the file's facts."""

    def __init__(self, session: Any, facts: Facts, model: Path) -> None:
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[Tensor] = facts.outputs
        self._session, self._model, self._opened = session, model, False

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference. Shapes other than those that the file states are tried: a file may state nonsense, and its graph be free."""
        if not self._opened and any(_contradicts(t, a) for t, a in zip(self.inputs, arrays, strict=True)):
            self._session, self._opened = _session(_without_shapes(self._model), self._model), True
        feeds = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=True)}
        results: Sequence[Any] = self._session.run([tensor.name for tensor in self.outputs], feeds)
        return results


def load(model: Path) -> Session:
    """Open a file, with all of onnxruntime's graph optimizations; `SourceError` says what it refuses."""
    header = read(model)
    external_files(model, header)
    try:
        session = _session(os.fspath(model), model)
    except _REFUSED as error:
        raise _refusal(model, header.opset, error) from error
    return OnnxSession(session, facts_of(header), model)


def _session(source: str | bytes, model: Path) -> Any:
    """A runtime session of a path or of a model's bytes, whose external data lies beside the file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(model.parent.absolute()))
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _contradicts(stated: Tensor, array: Any) -> bool:
    """Whether an array has another size somewhere than the file states for good."""
    sizes = tuple(array.shape)
    return len(sizes) == len(stated.shape) and any(s is not None and s != a for s, a in zip(stated.shape, sizes, strict=True))


def _without_shapes(model: Path) -> bytes:
    """The same graph and weights, with every size of its inputs and outputs left open."""
    import onnx

    proto = onnx.load(os.fspath(model), load_external_data=False)
    for value in (*proto.graph.input, *proto.graph.output):
        for axis, size in enumerate(value.type.tensor_type.shape.dim):
            size.dim_param = f"{value.name}_{axis}"
    del proto.graph.value_info[:]
    return bytes(proto.SerializeToString())


def inspect(model: Path) -> Facts:
    """The facts of a file after shape inference, which is what its multiply-accumulates need. Weights in other files are not loaded."""
    import onnx

    header = read(model)
    files = external_files(model, header)
    stated = facts_of(header, model.stat().st_size, files)
    proto = _without_weights(onnx.load(os.fspath(model), load_external_data=False))
    try:
        proto = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError):
        return stated
    inferred = facts_of(parse(proto.SerializeToString(), str(model)), model.stat().st_size, files)
    kept = {"parameter_bytes": stated.details["parameter_bytes"]}
    return replace(inferred, details={**inferred.details, **kept})


def _without_weights(proto: Any) -> Any:
    """The model with the numbers of its float tensors dropped: shape inference needs integers only, and copies everything twice."""
    for tensor in proto.graph.initializer:
        if tensor.data_type in FLOATS:
            for name in ("raw_data", "float_data", "double_data", "int32_data"):
                tensor.ClearField(name)
    return proto


def _refusal(model: Path, opset: int, error: Exception) -> SourceError:
    reason = " ".join(str(error).split())[:400]
    if 0 < opset < OLDEST_OPSET:
        remedy = f"export it again with opset {OLDEST_OPSET} or later, or raise it: onnx.version_converter.convert_version(model, 13)"
        return SourceError(
            f"opset {opset} is too old for onnxruntime: {reason}", where=str(model), remedy=remedy, code="onnx-opset-too-old"
        )
    if "external tensors" in reason:
        again = "onnx.save(onnx.load('model.onnx'), 'again.onnx', save_as_external_data=True, location='again.data', size_threshold=1024)"
        remedy = f'keep small tensors inside the file, onnxruntime reads shapes from them: python -c "import onnx; {again}"'
        return SourceError(f"onnxruntime refuses {model.name}: {reason}", where=str(model), remedy=remedy, code="onnx-does-not-load")
    remedy = "export the model again with ONNX's own operators, or repair it: python -c \"import onnx; onnx.checker.check_model('model.onnx', True)\""
    return SourceError(f"onnxruntime refuses {model.name}: {reason}", where=str(model), remedy=remedy, code="onnx-does-not-load")
