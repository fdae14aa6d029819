"""How Keras models and SavedModels are executed on arrays; imported in the worker."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from edgeroute.types import Facts, Tensor
from edgeroute_plugins.keras_tf.models import load_model, model_facts
from edgeroute_plugins.keras_tf.options import SIGNATURE_VARIABLE
from edgeroute_plugins.keras_tf.signatures import choose, load, signature_facts, signature_inputs


class FunctionSession:
    """A TensorFlow function from a list of arrays to a list of arrays."""

    def __init__(self, function: Any, facts: Facts) -> None:
        self.function = function
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[Tensor] = facts.outputs

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference."""
        answer = self.function(*(tf.convert_to_tensor(a) for a in arrays))
        if isinstance(answer, Mapping):
            return [answer[t.name].numpy() for t in self.outputs]
        return [t.numpy() for t in tf.nest.flatten(answer)]


def open_keras(model: Path) -> FunctionSession:
    """A session on a `.keras` or HDF5 model, in inference mode."""
    loaded, _ = load_model(model)
    structure = getattr(loaded, "_inputs_struct", None)

    def call(*arrays: Any) -> Any:
        inputs = tf.nest.pack_sequence_as(structure, list(arrays)) if isinstance(structure, dict) else list(arrays)
        return loaded(inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs, training=False)

    return FunctionSession(tf.function(call), model_facts(loaded))


def inspect_keras(model: Path) -> Facts:
    """Ports, layers and parameters of a Keras model."""
    return model_facts(load_model(model)[0])


def open_saved_model(model: Path) -> FunctionSession:
    """A session on the chosen signature of a SavedModel; inputs and outputs in alphabetical order."""
    loaded = load(model)
    _, function = choose(loaded, spoken_signature(loaded), model)
    specs = signature_inputs(function)

    def call(*arrays: Any) -> Any:
        return function(**dict(zip(specs, arrays, strict=True)))

    session = FunctionSession(call, signature_facts(list(specs.values()), function.structured_outputs, ""))
    session.loaded = loaded  # type: ignore[attr-defined]
    return session


def spoken_signature(loaded: Any) -> str:
    """The signature that the variable names, where the model has it (what edgeroute wrote itself has its own)."""
    name = os.environ.get(SIGNATURE_VARIABLE, "")
    return name if name in loaded.signatures else ""


def inspect_saved_model(model: Path) -> Facts:
    """Ports of a SavedModel's chosen signature, and the names of all."""
    loaded = load(model)
    name, function = choose(loaded, spoken_signature(loaded), model)
    facts = signature_facts(list(signature_inputs(function).values()), function.structured_outputs, name)
    return Facts(facts.inputs, facts.outputs, details={**facts.details, "signatures": sorted(loaded.signatures)})
