"""What is told about a TFLite file: everything here was read from the file, nothing was run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict

from edgeroute.types import Facts, Json, Tensor
from edgeroute_plugins.tflite.analysis import FLOATS, QUANTIZED, Analysis, Place, analyse, border_tensors, is_flex, is_float_operator
from edgeroute_plugins.tflite.graph import Flow, elements
from edgeroute_plugins.tflite.layout import tensor_layout
from edgeroute_plugins.tflite.macs import operator_macs
from edgeroute_plugins.tflite.reader import Model, Signature, TensorData

MOST_NAMES = 32
FORMATS = {"float": "tflite", "int8": "tflite-int8", "mixed": "tflite-mixed", "edgetpu": "tflite-edgetpu"}


def format_of(analysis: Analysis) -> str:
    """The most special format that a file deserves."""
    return "tflite-int8-pt" if analysis.full_integer and analysis.per_tensor else FORMATS[analysis.kind]


def facts_of(model: Model, size: int) -> Facts:
    """The facts of a model whose file has `size` bytes."""
    return measure(model, analyse(model), size)


def measure(model: Model, analysis: Analysis, size: int) -> Facts:
    """As `facts_of`, from an analysis that was made already."""
    flow = Flow(model.subgraphs[0])
    inputs, outputs = border_order(model)
    return Facts(
        inputs=tuple(_tensor(flow, index, is_input=True) for index in inputs),
        outputs=tuple(_tensor(flow, index, is_input=False) for index in outputs),
        operators=dict(Counter(o.label for s in model.subgraphs for o in s.operators).most_common()),
        details={**_general(model, size), **_signatures(model), **_cost(model), **_quantization(analysis), **_special(model)},
    )


def main_signature(model: Model) -> Signature | None:
    """The signature that names exactly the main subgraph's inputs and outputs."""
    main = model.subgraphs[0]
    for signature in model.signatures:
        covered = (sorted(signature.inputs.values()), sorted(signature.outputs.values()))
        if signature.subgraph == 0 and covered == (sorted(main.inputs), sorted(main.outputs)):
            return signature
    return None


def border_order(model: Model) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Tensor indices of inputs and outputs: in the signature's order where there is one, else in the graph's."""
    signature = main_signature(model)
    if signature is None:
        return model.subgraphs[0].inputs, model.subgraphs[0].outputs
    return tuple(signature.inputs.values()), tuple(signature.outputs.values())


def open_shape(tensor: TensorData) -> tuple[int | None, ...]:
    """The shape with None for an open dimension."""
    shape = tensor.shape_signature if len(tensor.shape_signature) == len(tensor.shape) else tensor.shape
    return tuple(None if size < 0 else size for size in shape)


def _tensor(flow: Flow, index: int, *, is_input: bool) -> Tensor:
    tensor = flow.subgraph.tensors[index]
    return Tensor(
        name=tensor.name,
        shape=open_shape(tensor),
        dtype=tensor.dtype,
        layout=tensor_layout(flow, index, is_input=is_input),
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


def _general(model: Model, size: int) -> dict[str, Json]:
    runtime = model.metadata.get("min_runtime_version", b"").rstrip(b"\0").decode("ascii", "replace")
    return {
        "bytes": size,
        "description": model.description,
        "min_runtime_version": runtime,
        "subgraphs": len(model.subgraphs),
        "metadata": sorted(model.metadata),
        "keep_stablehlo_constant": "keep_stablehlo_constant" in model.metadata,
        "external_weights": any(t.is_external for s in model.subgraphs for t in s.tensors),
    }


def _signatures(model: Model) -> dict[str, Json]:
    """Every signature with its argument names → tensor names, and the key of the one that orders `inputs` and `outputs`."""
    chosen = main_signature(model)

    def names(signature: Signature, arguments: Mapping[str, int]) -> dict[str, str]:
        return {name: model.subgraphs[signature.subgraph].tensors[index].name for name, index in arguments.items()}

    listed = {s.key: {"inputs": names(s, s.inputs), "outputs": names(s, s.outputs)} for s in model.signatures}
    return {"signatures": listed, "signature": chosen.key if chosen else ""}


def _weights(model: Model) -> dict[int, TensorData]:
    """Constant tensors with trained numbers (floats and quantized), one per stored buffer."""
    found: dict[int, TensorData] = {}
    for number, subgraph in enumerate(model.subgraphs):
        for tensor in subgraph.tensors:
            trained = tensor.dtype in FLOATS or tensor.dtype in QUANTIZED or bool(tensor.scale)
            if tensor.is_constant and trained:
                found.setdefault(tensor.buffer or -(number << 32) - tensor.index - 1, tensor)
    return found


def _cost(model: Model) -> dict[str, Json]:
    weights = _weights(model)
    macs = {(n, o.index): operator_macs(s, o) for n, s in enumerate(model.subgraphs) for o in s.operators}
    floats = {(n, o.index) for n, s in enumerate(model.subgraphs) for o in s.operators if is_float_operator(s, o)}
    return {
        "parameters": sum(elements(t.shape) for t in weights.values()),
        "parameter_bytes": sum(len(t.data) for t in weights.values()),
        "fp16_weights": sum(t.dtype in ("float16", "bfloat16") for t in weights.values()),
        "macs": sum(macs.values()),
        "float_macs": sum(count for key, count in macs.items() if key in floats),
        "partitions": None,
    }


def places(found: tuple[Place, ...]) -> list[dict[str, Json]]:
    return [asdict(place) for place in found]


def _quantization(analysis: Analysis) -> dict[str, Json]:
    return {
        "kind": analysis.kind,
        "full_integer": analysis.full_integer,
        "per_tensor": analysis.per_tensor,
        "per_channel": {"count": len(analysis.per_channel), "names": [t.name for t in analysis.per_channel]},
        "float_operators": places(analysis.float_operators),
        "float_islands": places(analysis.float_islands),
        "float_tail": places(analysis.float_tail),
        "float_head": places(analysis.float_head),
        "float_borders": list(analysis.float_borders),
        "dynamic_range": analysis.is_dynamic_range,
        "int16_activations": analysis.has_int16_activations,
    }


def _special(model: Model) -> dict[str, Json]:
    operators = [o for s in model.subgraphs for o in s.operators]
    versions: dict[str, set[int]] = defaultdict(set)
    for operator in operators:
        versions[operator.label].add(operator.version)
    custom = Counter(o.label for o in operators if o.name == "CUSTOM" and not is_flex(o))
    return {
        "op_versions": {name: sorted(found) for name, found in sorted(versions.items())},
        "flex": dict(Counter(o.label for o in operators if is_flex(o))),
        "custom": dict(custom),
        "dynamic_dims": [t.name for t in _dynamic(model)][:MOST_NAMES],
        "dynamic_tensors": len(_dynamic(model)),
        "rank_above_4": sorted({t.name for s in model.subgraphs for t in s.tensors if len(t.shape) > 4}),
    }


def _dynamic(model: Model) -> list[TensorData]:
    """Tensors with an open dimension, those of the border first."""
    border = [t for t in border_tensors(model) if t.is_dynamic]
    names = {t.index for t in border}
    inner = [t for s in model.subgraphs for t in s.tensors if t.is_dynamic and not (s is model.subgraphs[0] and t.index in names)]
    return border + inner
