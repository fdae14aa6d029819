"""The copy of the ONNX file that onnx2tf gets, and may overwrite: same numbers, in the spelling that it translates best. Needs onnx."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgeroute_plugins.layout import guess_layout
from edgeroute_plugins.onnx2tf.borders import Border, Scratch
from edgeroute_plugins.onnx2tf.narrow import narrow_doubles

PASS_THROUGH = {"Mul", "Add", "Sub", "Div", "Pad", "Cast", "Identity", "Clip", "Relu", "BatchNormalization"}
CHANNELS_FIRST = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "Resize", "Upsample", "InstanceNormalization"}
CHANNELS_LAST_PERMUTATION = [0, 3, 1, 2]


def prepare(source: Path, folder: Path, keep: Sequence[str] = (), plain: bool = False) -> Scratch:
    """Copy the model into `folder`, with plain names at its border, splits spelled as slices and floats for doubles.

    onnx2tf changes names that hold `:` or start with `/`, and then overlooks options that name them; it leaves the
    dimensions after a Split open, and brackets it with transpositions. `plain` changes inner names too, to what
    TensorFlow accepts as a scope.
    """
    model = onnx.load(str(source))
    inputs = _readable(model.graph.input) if plain else _borders(model.graph.input, "edgeroute_in")
    outputs = _borders(model.graph.output, "edgeroute_out")
    kept = tuple(b.alias for b in inputs if (b.name in keep if keep else not is_channels_first(model.graph, b)))
    rename(model.graph, {b.name: b.alias for b in (*inputs, *outputs)})
    slice_splits(model.graph)
    narrow_doubles(model.graph)
    if plain:
        plain_names(model.graph)
    path = folder / "model.onnx"
    onnx.save(model, str(path))
    return Scratch(path, inputs, outputs, kept)


def is_channels_first(graph: Any, border: Border) -> bool:
    """Whether an input is an image in NCHW: what the first layers make of it decides, then its shape."""
    if len(border.shape) != 4:
        return False
    verdict = _consumer_layout(graph, border.name)
    return (verdict or guess_layout(border.shape) or "NCHW") == "NCHW"


def rename(graph: Any, names: dict[str, str]) -> None:
    """Give tensors new names, in branches and loop bodies too."""
    for node in graph.node:
        node.input[:] = [names.get(n, n) for n in node.input]
        node.output[:] = [names.get(n, n) for n in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                rename(attribute.g, names)
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = names.get(value.name, value.name)


def plain_names(graph: Any) -> None:
    """Reduce the names of nodes and inner tensors to letters, digits and underscores, each with a number that keeps it unique."""
    tensors = dict.fromkeys(o for node in graph.node for o in node.output if o)
    tensors.update(dict.fromkeys(i.name for i in graph.initializer))
    border = {v.name for v in (*graph.input, *graph.output)}
    rename(graph, {t: f"{_plain(t)}_{n}" for n, t in enumerate(tensors) if t not in border})
    for number, node in enumerate(graph.node):
        node.name = f"{_plain(node.name or node.op_type)}_n{number}"


def slice_splits(graph: Any) -> int:
    """Replace every Split by one Slice per part; returns how many were replaced. Needs inferred shapes."""
    known = {v.name: _shape(v) for v in (*graph.value_info, *graph.input, *graph.output)}
    nodes: list[Any] = []
    replaced = 0
    for node in graph.node:
        slices = list(_as_slices(graph, node, known)) if node.op_type == "Split" else []
        replaced += bool(slices)
        nodes.extend(slices or [node])
    del graph.node[:]
    graph.node.extend(nodes)
    return replaced


def _plain(name: str) -> str:
    return "t_" + re.sub(r"[^A-Za-z0-9_]", "_", name)[-60:]


def _as_slices(graph: Any, node: Any, known: dict[str, tuple[int, ...]]) -> Iterator[Any]:
    axis = next((int(a.i) for a in node.attribute if a.name == "axis"), 0)
    shapes = [known.get(o, ()) for o in node.output]
    if not all(len(s) > max(axis, -axis - 1) for s in shapes):
        return
    start = 0
    for position, (output, shape) in enumerate(zip(node.output, shapes, strict=True)):
        prefix = f"{output}_part_{position}"
        ends = (("starts", start), ("ends", start + shape[axis]), ("axes", axis))
        graph.initializer.extend(numpy_helper.from_array(np.array([v], dtype=np.int64), f"{prefix}_{k}") for k, v in ends)
        yield helper.make_node("Slice", [node.input[0], *(f"{prefix}_{k}" for k, _ in ends)], [output], name=prefix)
        start += shape[axis]


def _consumer_layout(graph: Any, name: str) -> str:
    """NCHW or NHWC where the first layer that cares says so."""
    frontier, seen = [name], {name}
    while frontier:
        for node in _consumers(graph, frontier.pop()):
            if node.op_type in CHANNELS_FIRST:
                return "NCHW"
            if node.op_type == "Transpose" and [list(a.ints) for a in node.attribute if a.name == "perm"] == [CHANNELS_LAST_PERMUTATION]:
                return "NHWC"
            if node.op_type in PASS_THROUGH and node.output[0] not in seen:
                seen.add(node.output[0])
                frontier.append(node.output[0])
    return ""


def _consumers(graph: Any, name: str) -> Iterator[Any]:
    return (node for node in graph.node if name in node.input)


def _borders(values: Iterable[Any], prefix: str) -> tuple[Border, ...]:
    return tuple(Border(v.name, f"{prefix}_{i}", _shape(v)) for i, v in enumerate(values))


def _readable(values: Iterable[Any]) -> tuple[Border, ...]:
    """Aliases that still say what the input is: a SavedModel's signature shows them."""
    plain = [re.sub(r"\W", "_", v.name, flags=re.ASCII).strip("_") or "input" for v in values]
    unique = [name if name[0].isalpha() and plain.count(name) == 1 else f"in_{name}_{i}" for i, name in enumerate(plain)]
    return tuple(Border(v.name, alias, _shape(v)) for v, alias in zip(values, unique, strict=True))


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(d.dim_value) for d in value.type.tensor_type.shape.dim)
