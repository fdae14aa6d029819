"""Joined outputs taken apart, so that each part is quantized with a scale of its own.

A detector that concatenates boxes (0..640) and scores (0..1) into one output loses its scores in int8: they are less than one step high.
Contract for whoever compares such a file with its source: each `Split` says that the source's `output` equals the concatenation of the
file's outputs `parts` along `axis`, in this order; outputs that no split names are unchanged, and parts stand where the output stood.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from edgeroute_plugins.prepare.graph import Array, Graph, Node, attribute, make
from edgeroute_plugins.prepare.parts import Parts
from edgeroute_plugins.prepare.statistics import measure


@dataclass(frozen=True)
class Split:
    """One output of the source, and the outputs it became."""

    output: str
    axis: int
    parts: tuple[str, ...]
    sizes: tuple[int, ...]


def split_heads(
    graph: Graph, feeds: Iterable[Mapping[str, Array]], ratio: float = 4.0, only: Mapping[str, int] | None = None
) -> list[Split]:
    """Split joined outputs whose parts' ranges differ by more than `ratio`, in place; `only` names outputs (→ axis) to split at every joint."""
    samples = list(feeds)
    splits = []
    for output in list(graph.output_names):
        shape = graph.shapes.get(output, ())
        axes = range(1, len(shape)) if not only else [only[output] % len(shape)] if output in only else []
        for axis in axes:
            joints = sorted(Parts.of(graph).boundaries(output, axis))
            kept = joints if only else _telling(graph, samples, output, axis, joints, ratio)
            done = _split(graph, output, axis, kept) if kept else None
            if done is not None:
                splits.append(done)
                break
    graph.prune()
    return splits


def unjoin(graph: Graph) -> int:
    """Compute the results of Splits and Slices directly where what they take apart was only joined before; returns how many went."""
    done = 0
    for node in [n for n in graph.nodes if n.op_type in ("Split", "Slice")]:
        if any(o in graph.captured for o in node.output):
            continue
        parts = Parts.of(graph)
        made = {name: _whole(parts, node, name) for name in node.output}
        if all(made.values()):
            _replace(graph, node, {old: str(new) for old, new in made.items()})
            done += 1
        graph.prune()
    return done


def _replace(graph: Graph, node: Node, made: Mapping[str, str]) -> None:
    """Let others compute what a node did; a name that leaves the graph stays."""
    graph.remove(node)
    for old, new in made.items():
        graph.redirect(old, new)
        if old in graph.output_names:
            identity = make("Identity", [new], [old])
            graph.insert(identity, after=new)
            graph.bypass(identity, new)


def _whole(parts: Parts, node: Node, name: str) -> str | None:
    """A Split's or Slice's result as a part of its input, if that input is joined at the result's ends."""
    source = node.input[0]
    span = None if source not in parts.shapes or name not in parts.shapes else _span(parts, node, name)
    if span is None:
        return None
    axis, begin, end = span
    ends = {0, parts.shapes[source][axis], *parts.boundaries(source, axis)}
    return parts.part(source, axis, begin, end) if {begin, end} <= ends else None


def _span(parts: Parts, node: Node, name: str) -> tuple[int, int, int] | None:
    """Axis, begin and end of what a Split or Slice takes out along one axis; None where it takes more than one, or leaps."""
    shape, result = parts.shapes[node.input[0]], parts.shapes[name]
    if node.op_type == "Split":
        axis = int(attribute(node, "axis", 0)) % len(shape)
        begin = sum(parts.shapes[o][axis] for o in list(node.output)[: list(node.output).index(name)])
        return axis, begin, begin + result[axis]
    changed = [axis for axis, (was, now) in enumerate(zip(shape, result, strict=True)) if was != now]
    operands = [parts.graph.constant(n) if n else None for n in [*node.input[1:], "", ""][:4]]
    starts, _, axes, steps = operands
    if len(changed) != 1 or starts is None or (steps is not None and (np.asarray(steps) != 1).any()):
        return None
    along = [int(a) % len(shape) for a in (np.asarray(axes) if axes is not None else range(np.size(starts)))]
    start = int(np.ravel(starts)[along.index(changed[0])])
    begin = max(start + shape[changed[0]], 0) if start < 0 else start
    return changed[0], begin, begin + result[changed[0]]


def _telling(graph: Graph, feeds: list[Mapping[str, Array]], output: str, axis: int, joints: list[int], ratio: float) -> list[int]:
    """The joints at which the range changes by more than the ratio, seen from the segment since the last kept one."""
    if not joints:
        return []
    found = measure(graph, feeds, {output: axis})[output]
    ends = [0, *joints, graph.shapes[output][axis]]
    reach = np.maximum(found.high, -found.low)
    widths = [float(max(reach[a:b].max(), 1e-6)) for a, b in itertools.pairwise(ends)]
    kept, current = [], widths[0]
    for joint, width in zip(joints, widths[1:], strict=True):
        if max(current, width) / min(current, width) > ratio:
            kept.append(joint)
            current = width
        else:
            current = max(current, width)
    return kept


def _split(graph: Graph, output: str, axis: int, joints: list[int]) -> Split | None:
    """Replace an output by its parts; None when a part cannot be had without slicing."""
    parts = Parts.of(graph)
    ends = [0, *joints, parts.shapes[output][axis]]
    pairs = list(itertools.pairwise(ends))
    inner = [parts.part(output, axis, a, b) for a, b in pairs]
    if any(name is None for name in inner) or len(set(inner)) < len(inner):
        graph.prune()
        return None
    names = tuple(f"{output}_{i}" if f"{output}_{i}" not in graph.producers else graph.name(f"{output}_part") for i in range(len(inner)))
    for source, name in zip(inner, names, strict=True):
        graph.insert(make("Identity", [str(source)], [name]), after=str(source))
    infos = list(graph.proto.graph.output)
    place = graph.output_names.index(output)
    kind = infos[place].type.tensor_type.elem_type
    new = []
    for name, (a, b) in zip(names, pairs, strict=True):
        shape = [b - a if i == axis else d for i, d in enumerate(parts.shapes[output])]
        new.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    del graph.proto.graph.output[:]
    graph.proto.graph.output.extend([*infos[:place], *new, *infos[place + 1 :]])
    graph.changed()
    graph.prune()
    for node in [n for n in graph.nodes if n.op_type == "Identity" and n.output[0] in names]:
        graph.bypass(node, node.input[0])
    return Split(output, axis, names, tuple(b - a for a, b in pairs))
