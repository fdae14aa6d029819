"""Fuses a ReLU that stands alone into the operator before it: one operator less, and int8 keeps only the range that survives. Needs numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeroute_plugins.tflite import editing

HOSTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL")
ACTIVATIONS = ("RELU", "RELU6", "RELU_N1_TO_1")


def fuse_activations(model: Any) -> int:
    """Fuse where the ReLU is the only reader of a host without an activation; returns how many went."""
    graph = model.subgraphs[0]
    kinds = editing.schema().ActivationFunctionType
    readers = _readers(graph)
    hosts = {int(o.outputs[0]): o for _, o in editing.operators(model, *HOSTS)}
    gone = []
    for name in ACTIVATIONS:
        for _, operator in editing.operators(model, name):
            source = int(operator.inputs[0])
            host = hosts.get(source)
            if host is None or readers[source] != 1 or source in graph.outputs or host.builtinOptions.fusedActivationFunction != kinds.NONE:
                continue
            host.builtinOptions.fusedActivationFunction = getattr(kinds, name)
            host.outputs = np.array([int(operator.outputs[0])], dtype=np.int32)
            gone.append(operator)
    graph.operators = [o for o in graph.operators if not any(o is g for g in gone)]
    return len(gone)


def _readers(graph: Any) -> dict[int, int]:
    counts: dict[int, int] = {}
    for operator in graph.operators:
        for index in operator.inputs:
            counts[int(index)] = counts.get(int(index), 0) + 1
    return counts
