"""Which shape every input gets, and writing it into the model. Needs onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeroute.errors import ConverterFailed, UsageError

Dim = int | str | None
"""A positive number, the name of a symbol, or None where the file says nothing."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Port:
    """A graph input as the file declares it; `dims` is None where even the rank is open."""

    name: str
    dims: tuple[Dim, ...] | None


def drop_initializer_inputs(graph: Any) -> int:
    """Take initializers out of the graph's inputs (the habit of IR versions below 4); returns how many."""
    names = {i.name for i in graph.initializer} | {i.values.name for i in graph.sparse_initializer}
    kept = [i for i in graph.input if i.name not in names]
    dropped = len(graph.input) - len(kept)
    if dropped:
        del graph.input[:]
        graph.input.extend(kept)
    return dropped


def ports(graph: Any) -> list[Port]:
    """The tensors that a caller must feed."""
    return [Port(i.name, _dims(i.type.tensor_type)) for i in graph.input]


def resolve(inputs: Sequence[Port], wanted: Mapping[str, Sequence[int]]) -> dict[str, Shape]:
    """One positive shape per input: the user's word, then the file's, symbols shared with a known dimension, batch 1.

    Raises UsageError for a name or rank that the model does not have, ConverterFailed where a dimension stays unknown.
    """
    asked = _address(inputs, wanted)
    known: dict[str, tuple[Dim, ...]] = {p.name: asked.get(p.name) or _with_batch_one(p) for p in inputs}
    symbols = _symbols(inputs, known)
    shapes = {name: tuple(symbols.get(d, d) if isinstance(d, str) else d for d in dims) for name, dims in known.items()}
    for port in inputs:
        if (port.dims is None and port.name not in asked) or not all(isinstance(d, int) and d > 0 for d in shapes[port.name]):
            raise _unknown(port.name, None if port.dims is None else shapes[port.name])
    return {name: tuple(int(d) for d in dims if d is not None) for name, dims in shapes.items()}


def pin(graph: Any, shapes: Mapping[str, Shape]) -> list[str]:
    """Write the shapes into the inputs, and forget every shape that was inferred from the old ones; says what was overridden."""
    changed = []
    for value in graph.input:
        before = _dims(value.type.tensor_type)
        after = shapes[value.name]
        if before is not None and any(isinstance(b, int) and b != a for b, a in zip(before, after, strict=False)):
            changed.append(f"{value.name}: {list(before)} → {list(after)}")
        _write(value.type.tensor_type, after)
    _forget(graph)
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    return changed


def write_outputs(graph: Any, shapes: Mapping[str, Shape]) -> None:
    """Write known output shapes into the graph."""
    for value in graph.output:
        if value.name in shapes:
            _write(value.type.tensor_type, shapes[value.name])


def open_outputs(graph: Any) -> list[str]:
    """Names of the outputs that have a dimension which is not a positive number."""
    return [o.name for o in graph.output if not _is_static(_dims(o.type.tensor_type))]


def _forget(graph: Any) -> None:
    """Drop the recorded shapes of inner tensors, in branches and loop bodies too."""
    del graph.value_info[:]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _forget(attribute.g)


def _dims(tensor_type: Any) -> tuple[Dim, ...] | None:
    if not tensor_type.HasField("shape"):
        return None
    return tuple(_dim(d) for d in tensor_type.shape.dim)


def _dim(dim: Any) -> Dim:
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return int(dim.dim_value)
    return str(dim.dim_param) or None


def _is_static(dims: tuple[Dim, ...] | None) -> bool:
    return dims is not None and all(isinstance(d, int) for d in dims)


def _write(tensor_type: Any, shape: Shape) -> None:
    tensor_type.ClearField("shape")
    tensor_type.shape.SetInParent()
    for size in shape:
        tensor_type.shape.dim.add().dim_value = size


def _address(inputs: Sequence[Port], wanted: Mapping[str, Sequence[int]]) -> dict[str, Shape]:
    """The user's shapes by input name; the empty name means the only input."""
    by_name = {p.name: p for p in inputs}
    names = ", ".join(by_name)
    asked: dict[str, Shape] = {}
    for name, shape in wanted.items():
        if not name and len(inputs) == 1:
            name = inputs[0].name
        if name not in by_name:
            raise UsageError(
                f"the model has no input {name!r}",
                where=names,
                remedy=f"--input-shape NAME:1,3,H,W with one of: {names}",
                code="unknown-input",
            )
        dims = by_name[name].dims
        if dims is not None and len(dims) != len(shape):
            remedy = f"--input-shape {name}:{_example(dims)} (rank {len(dims)})"
            raise UsageError(f"input {name!r} has rank {len(dims)}, not {len(shape)}", where=name, remedy=remedy, code="input-rank")
        if not all(d > 0 for d in shape):
            raise UsageError(
                f"{list(shape)} is no shape", where=name, remedy=f"--input-shape {name}:… with positive numbers only", code="input-shape"
            )
        asked[name] = tuple(int(d) for d in shape)
    return asked


def _with_batch_one(port: Port) -> tuple[Dim, ...]:
    """The file's own dimensions, with an open first one (and an image's baked-in batch) taken as a batch of 1."""
    dims = port.dims or ()
    if (len(dims) == 4 and dims[0] != 1) or (len(dims) > 1 and not isinstance(dims[0], int)):
        return (1, *dims[1:])
    return dims


def _symbols(inputs: Sequence[Port], known: Mapping[str, tuple[Dim, ...]]) -> dict[str, int]:
    """Symbol → size, wherever one input settles what another one shares."""
    found: dict[str, int] = {}
    for port in inputs:
        for symbol, size in zip(port.dims or (), known[port.name], strict=False):
            if isinstance(symbol, str) and isinstance(size, int):
                found.setdefault(symbol, size)
    return found


def _unknown(name: str, shape: tuple[Dim, ...] | None) -> ConverterFailed:
    shown = "of unknown rank" if shape is None else str([d if isinstance(d, int) else "?" for d in shape])
    return ConverterFailed(
        f"input {name!r} is {shown}, and a device file needs every dimension",
        where=name,
        remedy=f"--input-shape {name}:{'1,3,H,W' if shape is None else _example(shape)}, the size that your application feeds",
        code="input-shape-needed",
    )


def _example(shape: tuple[Dim, ...]) -> str:
    """A shape to type: what is known as numbers, an image's open sides as H and W, the rest by letters."""
    letters = iter("HW" if len(shape) == 4 else "NMKLPQ")
    first = [1 if i == 0 and not isinstance(d, int) else d for i, d in enumerate(shape)]
    if len(first) == 4 and not any(isinstance(d, int) for d in first[1:]):
        first[1] = 3
    return ",".join(str(d) if isinstance(d, int) else next(letters, "N") for d in first)
