"""Loading Keras models: by Keras 3, and where that cannot, by tf-keras (Keras 2); imported in the worker."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import tensorflow as tf

from edgeroute.errors import SourceError, TrustError
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.keras_tf.options import TRUST_VARIABLE
from edgeroute_plugins.keras_tf.screen import configuration, screen

TRUST_REMEDY = "only if you know where the file comes from: repeat the command with --trust-pickle"


def trusted(trust: bool) -> bool:
    """Whether the user gave their word, by option or by variable."""
    return trust or os.environ.get(TRUST_VARIABLE) == "1"


def load_model(path: Path, trust: bool = False) -> tuple[Any, str]:
    """The model and who loaded it: keras or tf_keras. Raises TrustError, before anything is built, where layers carry code."""
    try:
        reasons = screen(path)
        if configuration(path) is None:
            raise weights_only(path)
    except ValueError as error:
        raise damaged(path, error) from error
    if reasons and not trusted(trust):
        raise TrustError(
            f"loading the model runs code from the file: {', '.join(reasons[:3])}",
            where=path.name,
            remedy=TRUST_REMEDY,
            code="trust-needed",
        )
    return first_that_loads(path, safe=not reasons)


def first_that_loads(path: Path, safe: bool) -> tuple[Any, str]:
    """Keras 3, then tf-keras; both refusals are told when neither can."""
    import keras
    import tf_keras

    failures = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, library in (("keras", keras), ("tf_keras", tf_keras)):
            try:
                return library.saving.load_model(str(path), compile=False, safe_mode=safe), name
            except Exception as error:  # both raise whatever the layers' constructors raise
                print(f"{name}: {type(error).__name__}: {error}")
                failures.append(f"{name}: {first_line(error)}")
    raise damaged(path, ValueError("; ".join(failures)))


def weights_only(path: Path) -> SourceError:
    """An HDF5 file without a model."""
    return SourceError(
        "the file holds weights only, not the model they belong to",
        where=path.name,
        remedy="build the model, load the weights into it and save it whole: model.save('model.keras')",
        code="keras-weights-only",
    )


def damaged(path: Path, error: Exception) -> SourceError:
    """A file that neither Keras can load."""
    missing = re.search(r"(?:Unknown layer|Could not locate (?:class|function)):? '?(\w+)", str(error))
    remedy = f"it uses {missing[1]}, which is not Keras' own: " if missing else "save it again with model.save('model.keras'), or "
    return SourceError(
        f"Keras cannot load the model: {first_line(error)}",
        where=path.name,
        remedy=remedy + "export it where it was trained (model.export('folder')) and convert the SavedModel folder",
        code="keras-unloadable",
    )


def first_line(error: Exception) -> str:
    """What an error says, shortened to a line."""
    text = str(error).strip()
    line = text.splitlines()[0] if text else type(error).__name__
    return line if len(line) <= 300 else line[:299] + "…"


def input_specs(model: Any, shapes: Mapping[str, Sequence[int]], path: Path) -> list[Any]:
    """One static TensorSpec per input, named as in the model; an open batch is 1. Raises SourceError for other open dimensions."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise SourceError(
            "the model was saved without ever having seen an input, so its shapes are unknown",
            where=path.name,
            remedy="call it once (or start it with keras.Input) before model.save()",
            code="keras-unbuilt",
        )
    names = unique_names(inputs)
    return [tf.TensorSpec(static_shape(n, tuple(t.shape), shapes), t.dtype, name=n) for n, t in zip(names, inputs, strict=True)]


def unique_names(inputs: Sequence[Any]) -> list[str]:
    """Names that a signature can have: without `:0`, and counted where they repeat."""
    names: list[str] = []
    for tensor in inputs:
        name = re.sub(r"[^0-9A-Za-z_.]", "_", str(tensor.name).split(":")[0])
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def static_shape(name: str, shape: tuple[int | None, ...], shapes: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
    """The given shape where it fits (by name, or the only one), else the model's own with batch 1.

    One that does not fit is of another layout (core fills in the source's): it is left aside. Raises SourceError where a dimension stays open.
    """
    given = shapes.get(name) or (next(iter(shapes.values())) if len(shapes) == 1 else None)
    if given is not None and (not shape or compatible(shape, given)):
        return tuple(int(d) for d in given)
    filled = tuple(1 if i == 0 and d is None else d for i, d in enumerate(shape))
    if any(d is None for d in filled):
        raise SourceError(
            f"input {name} leaves dimensions open: {', '.join('?' if d is None else str(d) for d in shape)}",
            where=name,
            remedy=f"say how large it is: --input-shape {name}:" + ",".join("N" if d is None else str(d) for d in filled),
            code="dynamic-shape",
        )
    return tuple(int(d) for d in filled if d is not None)


def compatible(shape: tuple[int | None, ...], given: Sequence[int]) -> bool:
    """Whether the given shape fills the open dimensions of the other."""
    return len(shape) == len(given) and all(a is None or a == b for a, b in zip(shape, given, strict=True))


def static_call(model: Any, specs: Sequence[Any]) -> Any:
    """A function of the specs, in inference mode, that returns name → output."""
    names = output_names(model)
    structure = getattr(model, "_inputs_struct", None)

    def serve(*arrays: Any) -> dict[str, Any]:
        inputs = tf.nest.pack_sequence_as(structure, list(arrays)) if isinstance(structure, dict) else list(arrays)
        answer = model(inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs, training=False)
        return dict(zip(names, tf.nest.flatten(answer), strict=True))

    return tf.function(serve, input_signature=list(specs))


def output_names(model: Any) -> list[str]:
    """One name per output; repeated ones are counted."""
    names: list[str] = []
    for name in [str(n) for n in getattr(model, "output_names", None) or ["output"]]:
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def unroll(model: Any, limit: int) -> list[str]:
    """Turn recurrent layers over at most `limit` steps into plain operators; returns their names. The numbers stay."""
    names = []
    for layer in model._flatten_layers(include_self=False):
        steps = steps_of(layer) if hasattr(layer, "unroll") else None
        if steps is not None and 0 < steps <= limit:
            layer.unroll = True
            names.append(str(layer.name))
    return names


def steps_of(layer: Any) -> int | None:
    """Length of the series that a recurrent layer takes; None where it is open or unknown."""
    shape = getattr(getattr(layer, "input", None), "shape", None)
    return int(shape[1]) if shape is not None and len(shape) > 1 and shape[1] else None


def model_facts(model: Any, **notes: Any) -> Facts:
    """Ports as the model declares them, and its layers by class."""
    layers: dict[str, int] = {}
    for layer in model._flatten_layers(include_self=False):
        layers[type(layer).__name__] = layers.get(type(layer).__name__, 0) + 1
    inputs = tuple(Tensor(n, tuple(t.shape), dtype_name(t.dtype)) for n, t in zip(unique_names(model.inputs), model.inputs, strict=True))
    outputs = tuple(Tensor(n, tuple(t.shape), dtype_name(t.dtype)) for n, t in zip(output_names(model), model.outputs, strict=True))
    return Facts(inputs, outputs, layers, details={"parameters": int(model.count_params())}, notes=notes)


def dtype_name(dtype: Any) -> str:
    """NumPy's name of a Keras or TensorFlow dtype."""
    return str(dtype.name if hasattr(dtype, "name") else dtype)
