"""What a TFLite file is made of: float or integer, operator by operator (converters.md §15 defines the terms).

A *float operator* has a float operand or result that is not a constant; QUANTIZE and DEQUANTIZE are borders, not float operators.
A *float island* is a float operator between two borders, a *float tail* one that only follows a border, a *float head* one that only precedes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeroute_plugins.tflite.graph import Flow, activations, operands, results
from edgeroute_plugins.tflite.reader import Model, Operator, Subgraph, TensorData

FLOATS = frozenset({"float32", "float16", "float64", "bfloat16"})
QUANTIZED = frozenset({"int8", "uint8", "int16", "int4", "uint4", "int2"})
BORDERS = frozenset({"QUANTIZE", "DEQUANTIZE"})
EDGETPU = "edgetpu-custom-op"


@dataclass(frozen=True)
class Place:
    """An operator of a model, named so that a person finds it."""

    subgraph: int
    index: int
    name: str
    tensor: str
    """Its first result."""


@dataclass(frozen=True)
class Analysis:
    """The verdict on a model; `kind` is float, int8, mixed or edgetpu."""

    kind: str
    float_operators: tuple[Place, ...]
    float_islands: tuple[Place, ...]
    float_tail: tuple[Place, ...]
    float_head: tuple[Place, ...]
    float_borders: tuple[str, ...]
    """Inputs and outputs of the model that are float."""
    per_channel: tuple[TensorData, ...]
    """Tensors with more than one scale."""
    is_quantized: bool
    """Whether anything is computed on quantized activations."""
    is_dynamic_range: bool
    """Quantized constant weights meet float activations."""
    has_int16_activations: bool
    """Not counting state: the int8 LSTM keeps its cell in int16."""

    @property
    def full_integer(self) -> bool:
        return self.kind == "int8"

    @property
    def per_tensor(self) -> bool:
        return not self.per_channel


def analyse(model: Model) -> Analysis:
    """Walk every subgraph of a model."""
    parts = [_split(number, subgraph) for number, subgraph in enumerate(model.subgraphs)]
    floats, islands, tail, head = (tuple(place for part in parts for place in part[i]) for i in range(4))
    touched = [tensor for subgraph in model.subgraphs for tensor in _activations(subgraph)]
    quantized = [t for t in touched if is_quantized(t)]
    dynamic = any(_is_dynamic_range(s, o) for s in model.subgraphs for o in s.operators)
    wide = any(t.dtype == "int16" and not t.is_variable for t in quantized)
    whole = bool(quantized) and not wide and all(t.dtype not in FLOATS for t in touched)
    return Analysis(
        kind=_kind(model, whole, bool(quantized) or dynamic),
        float_operators=floats,
        float_islands=islands,
        float_tail=tail,
        float_head=head,
        float_borders=tuple(t.name for t in border_tensors(model) if t.dtype in FLOATS),
        per_channel=tuple(t for s in model.subgraphs for t in s.tensors if t.is_per_channel),
        is_quantized=bool(quantized),
        is_dynamic_range=dynamic,
        has_int16_activations=wide,
    )


def _kind(model: Model, whole: bool, quantized: bool) -> str:
    if any(o.custom_code == EDGETPU for s in model.subgraphs for o in s.operators):
        return "edgetpu"
    if whole:
        return "int8"
    return "mixed" if quantized else "float"


def is_quantized(tensor: TensorData) -> bool:
    """Whether a tensor holds quantized numbers, not just small integers."""
    return tensor.dtype in QUANTIZED and bool(tensor.scale)


def is_float_operator(subgraph: Subgraph, operator: Operator) -> bool:
    return operator.name not in BORDERS and any(t.dtype in FLOATS for t in activations(subgraph, operator))


def is_flex(operator: Operator) -> bool:
    """Whether an operator needs TensorFlow's kernels."""
    return operator.custom_code.startswith("Flex")


def border_tensors(model: Model) -> tuple[TensorData, ...]:
    """Inputs and outputs of the main subgraph."""
    main = model.subgraphs[0]
    return tuple(main.tensors[i] for i in (*main.inputs, *main.outputs))


def place(number: int, subgraph: Subgraph, operator: Operator) -> Place:
    written = results(subgraph, operator)
    return Place(number, operator.index, operator.label, written[0].name if written else "")


def _activations(subgraph: Subgraph) -> Iterator[TensorData]:
    """What flows through a subgraph: every non-constant tensor that an operator or the border touches."""
    used = {*subgraph.inputs, *subgraph.outputs}
    for operator in subgraph.operators:
        used.update(i for i in (*operator.inputs, *operator.outputs) if i >= 0)
    return (tensor for tensor in subgraph.tensors if tensor.index in used and not tensor.is_constant)


def _is_dynamic_range(subgraph: Subgraph, operator: Operator) -> bool:
    """Quantized constants against float activations, directly (hybrid kernels) or through DEQUANTIZE (weights only)."""
    weights = any(t.is_constant and is_quantized(t) for t in operands(subgraph, operator))
    return weights and any(t.dtype in FLOATS for t in activations(subgraph, operator)) and operator.name != "QUANTIZE"


def _split(number: int, subgraph: Subgraph) -> tuple[list[Place], list[Place], list[Place], list[Place]]:
    """Float operators of one subgraph: all, islands, tail, head."""
    flow = Flow(subgraph)
    floats = [o for o in subgraph.operators if is_float_operator(subgraph, o)]
    integers = [o.index for o in subgraph.operators if any(is_quantized(t) for t in activations(subgraph, o))]
    after, before = flow.downstream(integers), flow.upstream(integers)
    chosen: dict[tuple[bool, bool], list[Place]] = {}
    for operator in floats:
        key = (operator.index in after, operator.index in before)
        chosen.setdefault(key, []).append(place(number, subgraph, operator))
    everything = [place(number, subgraph, operator) for operator in floats]
    return everything, chosen.get((True, True), []), chosen.get((True, False), []), chosen.get((False, True), [])
