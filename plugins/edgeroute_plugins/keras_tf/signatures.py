"""SavedModels: screened, loaded, one signature chosen, its shapes pinned; imported in the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from edgeroute.errors import SourceError, TrustError, UsageError
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.keras_tf.graphs import screen_saved_model
from edgeroute_plugins.keras_tf.models import TRUST_REMEDY, dtype_name, first_line, static_shape, trusted

DEFAULT = "serving_default"


def load(path: Path, trust: bool = False) -> Any:
    """The loaded SavedModel. Raises TrustError, before it is loaded, where its graph does more than compute."""
    reasons = screen_saved_model(parse(path))
    if reasons and not trusted(trust):
        raise TrustError(
            f"the SavedModel does more than compute: {', '.join(reasons[:3])}", where=path.name, remedy=TRUST_REMEDY, code="trust-needed"
        )
    try:
        return tf.saved_model.load(str(path))
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, tf.errors.OpError) as error:
        raise unreadable(path, error) from error


def parse(path: Path) -> Any:
    """`saved_model.pb` as a protobuf. Raises SourceError."""
    try:
        return saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> SourceError:
    """A folder that TensorFlow cannot load."""
    return SourceError(
        f"TensorFlow cannot load the SavedModel: {first_line(error)}",
        where=path.name,
        remedy="give the whole folder (saved_model.pb and variables/), exported again with model.export('folder')",
        code="savedmodel-unreadable",
    )


def choose(loaded: Any, wanted: str, path: Path) -> tuple[str, Any]:
    """Name and function of the wanted signature; without a wish serving_default, or the only one. Raises UsageError."""
    names = sorted(loaded.signatures)
    name = wanted or (DEFAULT if DEFAULT in names else names[0] if len(names) == 1 else "")
    if name not in names:
        has = f"it has {', '.join(names)}" if names else "it has none"
        remedy = f"choose one: --signature {names[0]}" if names else "export it with a signature: model.export('folder')"
        raise UsageError(
            f"the SavedModel has no signature {wanted or DEFAULT}; {has}", where=path.name, remedy=remedy, code="signature-unknown"
        )
    return name, loaded.signatures[name]


def signature_inputs(function: Any) -> dict[str, Any]:
    """Name → TensorSpec, in the signature's own (alphabetical) order."""
    return dict(function.structured_input_signature[1])


def static_specs(function: Any, shapes: Mapping[str, Sequence[int]]) -> list[Any]:
    """The signature's inputs with every dimension a number. Raises SourceError where one stays open."""
    specs = signature_inputs(function)
    for name, spec in specs.items():
        if spec.shape.rank is None and name not in shapes:
            raise SourceError(
                f"input {name} has no shape at all",
                where=name,
                remedy=f"say how large it is: --input-shape {name}:1,224,224,3",
                code="dynamic-shape",
            )
    return [
        tf.TensorSpec(static_shape(n, tuple(s.shape) if s.shape.rank is not None else (), shapes), s.dtype, name=n)
        for n, s in specs.items()
    ]


def static_function(function: Any, specs: Sequence[Any]) -> Any:
    """The signature as a function of static arrays in the order of the specs, that returns name → output."""
    names = [s.name for s in specs]

    def serve(*arrays: Any) -> Any:
        return function(**dict(zip(names, arrays, strict=True)))

    return tf.function(serve, input_signature=list(specs))


def pinned(path: Path, scratch: Path, signature: str, shapes: Mapping[str, Sequence[int]], trust: bool) -> tuple[Path, str, Facts]:
    """A SavedModel whose chosen signature has static shapes: the folder itself where it has, else a copy in `scratch`."""
    loaded = load(path, trust)
    name, function = choose(loaded, signature, path)
    specs = static_specs(function, shapes)
    if all(
        tuple(signature_inputs(function)[s.name].shape) == tuple(s.shape)
        for s in specs
        if signature_inputs(function)[s.name].shape.rank is not None
    ):
        return path, name, signature_facts(specs, function.structured_outputs, name)
    static = static_function(function, specs)
    module = tf.Module()
    module.loaded = loaded
    try:
        concrete = static.get_concrete_function()
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise SourceError(
            f"the model does not take the shape it was given: {first_line(error)}",
            where=path.name,
            remedy="give the shape it was trained with: --input-shape NAME:1,H,W,3",
            code="shape-refused",
        ) from error
    tf.saved_model.save(module, str(scratch), signatures={name: concrete})
    return scratch, name, signature_facts(specs, concrete.structured_outputs, name)


def signature_facts(specs: Sequence[Any], outputs: Mapping[str, Any], signature: str) -> Facts:
    """Ports of a signature."""
    return Facts(
        inputs=tuple(Tensor(s.name, shape_of(s), dtype_name(s.dtype)) for s in specs),
        outputs=tuple(Tensor(n, shape_of(t), dtype_name(t.dtype)) for n, t in sorted(outputs.items())),
        details={"signature": signature},
    )


def shape_of(spec: Any) -> tuple[int | None, ...]:
    """Dimensions, None where open; empty where even the rank is open."""
    return () if spec.shape.rank is None else tuple(spec.shape)
