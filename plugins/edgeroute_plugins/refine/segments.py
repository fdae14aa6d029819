"""An int8 network executed piece by piece on several samples, so that what comes later can still be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeroute_plugins.refine.execution import interpreter_class, quantized
from edgeroute_plugins.refine.network import Array, Network
from edgeroute_plugins.tflite import editing


class Stepper:
    """Advances through the operators of a network in order and keeps the tensors that are still needed, per sample, in stored types."""

    def __init__(self, network: Network, rows: Sequence[Sequence[Array]]) -> None:
        self.network = network
        self.position = 0
        self.live: list[dict[int, Array]] = [{} for _ in rows]
        for index, tensor in enumerate(network.inputs):
            detail = _detail(network, tensor)
            for sample, row in zip(self.live, rows, strict=True):
                sample[tensor] = quantized(row[index], detail)

    def advance(self, position: int) -> None:
        """Execute the operators up to, not including, this one."""
        if position <= self.position:
            return
        chosen = list(range(self.position, position))
        made = {t for i in chosen for t in self.network.operators[i].outputs}
        read = dict.fromkeys(t for i in chosen for t in self.network.operators[i].inputs if t >= 0 and not self.network.is_constant(t))
        inputs = [t for t in read if t not in made]
        needed = self._needed(position)
        outputs = sorted(t for t in made if t in needed)
        session = _Piece(segment(self.network, chosen, inputs, outputs))
        for sample in self.live:
            sample |= dict(zip(outputs, session.run([sample[t] for t in inputs]), strict=True))
            for tensor in [t for t in sample if t not in needed]:
                del sample[tensor]
        self.position = position

    def real(self, sample: int, tensor: int) -> Array:
        """A live tensor in real numbers, float32."""
        value, scales = self.live[sample][tensor], self.network.scales(tensor)
        return (value.astype(np.float32) - self.network.zero(tensor)) * np.float32(scales[0]) if scales.size else value.astype(np.float32)

    def _needed(self, position: int) -> set[int]:
        later = {t for o in self.network.operators[position:] for t in o.inputs}
        return later | set(self.network.outputs)


def segment(network: Network, chosen: Sequence[int], inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
    """A file with some operators of a network only; tensors and buffers that they do not use are left out."""
    schema = editing.schema()
    graph, model = network.graph, schema.ModelT()
    source = schema.SubGraphT()
    used = list(
        dict.fromkeys([*inputs, *(t for i in chosen for t in (*network.operators[i].inputs, *network.operators[i].outputs) if t >= 0)])
    )
    places = {tensor: i for i, tensor in enumerate(used)}
    model.version, model.buffers, source.tensors = 3, [schema.BufferT()], []
    for tensor in used:
        source.tensors.append(_tensor(network, tensor, model, tensor not in inputs))
    source.operators = [_moved(graph.operators[i], places) for i in chosen]
    source.inputs = np.array([places[t] for t in inputs], np.int32)
    source.outputs = np.array([places[t] for t in outputs], np.int32)
    model.operatorCodes, model.subgraphs = list(network.model.operatorCodes), [source]
    return bytes(editing.serialize(model))


def _tensor(network: Network, tensor: int, model: Any, keep: bool) -> Any:
    """A copy of a tensor whose buffer, when it is a constant, moves to the new model."""
    original = network.graph.tensors[tensor]
    copy = editing.schema().TensorT()
    for name in ("name", "shape", "shapeSignature", "type", "quantization", "hasRank", "isVariable"):
        setattr(copy, name, getattr(original, name))
    copy.buffer = 0
    if keep and network.is_constant(tensor):
        model.buffers.append(network.model.buffers[original.buffer])
        copy.buffer = len(model.buffers) - 1
    return copy


def _moved(operator: Any, places: dict[int, int]) -> Any:
    copy = editing.schema().OperatorT()
    copy.__dict__.update(operator.__dict__)
    copy.inputs = np.array([places.get(int(t), -1) for t in operator.inputs], np.int32)
    copy.outputs = np.array([places[int(t)] for t in operator.outputs], np.int32)
    return copy


class _Piece:
    """A segment opened in LiteRT, fed and read in stored types; input shapes follow what is fed."""

    def __init__(self, blob: bytes) -> None:
        self._interpreter = interpreter_class()(model_content=blob, num_threads=2)
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self._shapes: list[tuple[int, ...]] = []

    def run(self, values: Sequence[Array]) -> list[Array]:
        shapes = [v.shape for v in values]
        if shapes != self._shapes:
            for detail, value in zip(self._inputs, values, strict=True):
                if tuple(detail["shape"]) != value.shape:
                    self._interpreter.resize_tensor_input(detail["index"], value.shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        for detail, value in zip(self._inputs, values, strict=True):
            self._interpreter.set_tensor(detail["index"], value)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(d["index"]) for d in self._outputs]


def _detail(network: Network, tensor: int) -> dict[str, Any]:
    kinds = {v: k.lower() for k, v in vars(editing.schema().TensorType).items() if isinstance(v, int)}
    scales = network.scales(tensor)
    quantization = (float(scales[0]), network.zero(tensor)) if scales.size else (0.0, 0)
    return {"dtype": kinds[int(network.graph.tensors[tensor].type)], "quantization": quantization}
