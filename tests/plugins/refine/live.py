"""What the refining tests do with real files, called in the environment `runtime`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute_plugins.refine.editable import Editable
from edgeroute_plugins.refine.execution import Session
from edgeroute_plugins.refine.improve import improve
from edgeroute_plugins.refine.network import Network
from edgeroute_plugins.refine.objective import Objective
from edgeroute_plugins.refine.pairing import pair_layers, pair_tensors
from edgeroute_plugins.refine.segments import Stepper
from edgeroute_plugins.tflite import editing

MODELS = Path(__file__).parents[1] / "tflite" / "models"


def blob(name: str) -> bytes:
    return (MODELS / f"{name}.tflite").read_bytes()


def rows(count: int) -> list[list[Any]]:
    """Samples like those that the models were calibrated with."""
    random = np.random.default_rng(3)
    return [[random.random((1, 8, 8, 3), dtype=np.float32)] for _ in range(count)]


def paired(name: str) -> dict[str, Any]:
    floating, integer = Network.parse(blob("float")), Network.parse(blob(name))
    pairs = pair_tensors(floating, integer)
    missing = [o.name for o in floating.operators if o.outputs[0] not in pairs]
    kinds = [[a.operator.name, b.operator.name] for a, b in pair_layers(floating, integer)]
    return {"missing": missing, "layers": kinds, "of": len(floating.layers)}


def unchanged(name: str) -> bool:
    """Whether a file that was parsed and written computes what it did."""
    before, after = blob(name), Editable.parse(blob(name)).to_bytes()
    return all(np.array_equal(a, b) for row in rows(4) for a, b in zip(Session(before).run(row), Session(after).run(row), strict=True))


def stepped(name: str) -> bool:
    """Whether executing operator by operator gives what executing at once gives."""
    network, samples = Network.parse(blob(name)), rows(3)
    stepper = Stepper(network, samples)
    for position in range(1, len(network.operators) + 1):
        stepper.advance(position)
    session = Session(blob(name))
    wanted = [session.run(row)[0] for row in samples]
    return all(np.array_equal(stepper.real(i, network.outputs[0]), w) for i, w in enumerate(wanted))


def damaged(name: str, kind: str) -> dict[str, Any]:
    """What refining makes of a file whose biases were spoilt: scores before and after, on samples of its own."""
    editable = Editable.parse(blob(name))
    for result, bias in editable.biases.items():
        editable.biases[result] = bias + 0.3 * (np.abs(bias).mean() + 0.1)
    spoilt = editable.to_bytes()
    better = improve(blob("float"), {"spoilt": spoilt}, rows(48), kind)
    objective = Objective.of(blob("float"), rows(60)[48:])
    return {"won": better.fit, "layers": better.layers, "before": objective.score(spoilt), "after": objective.score(better.blob)}


def chosen(first: str, second: str, count: int) -> dict[str, Any]:
    """Which of two starts wins, and whether the same comes out twice."""
    starts = {first: blob(first), second: blob(second)}
    once, twice = (improve(blob("float"), starts, rows(count), "weights") for _ in range(2))
    return {"start": once.start, "fit": once.fit, "gain": once.after - once.before, "same": once.blob == twice.blob}


def odd(name: str) -> dict[str, Any]:
    """What becomes of a file that is not int8 all through, or not only that: what won, why nothing did, and whether the file is as it was."""
    better = improve(blob("float"), {name: blob(name)}, rows(6), "weights")
    return {"fit": better.fit, "reason": better.reason, "same": better.blob == blob(name), "gain": better.after - better.before}


def altered(how: str) -> dict[str, Any]:
    """What becomes of int8 files that were made strange."""
    network = Network.parse(blob("int8-pt"))
    graph, first = network.graph, network.layers[0]
    if how == "shared":
        twin = editing.add_tensor(graph, "twin", network.shape(first.result), graph.tensors[first.result].type)
        graph.tensors[twin].quantization = graph.tensors[first.result].quantization
        operator = copy.copy(graph.operators[first.operator.index])
        operator.outputs = np.array([twin], np.int32)
        graph.operators.append(operator)
    elif how == "state":
        graph.tensors[first.result].isVariable = True
    elif how == "branches":
        network.model.subgraphs.append(graph)
    elif how == "unlike":
        for layer in network.layers:
            network.store(layer.weights, -network.constant(layer.weights)[::-1])
    start = network.to_bytes()
    kept = [layer.result for layer in Network.parse(start).layers if layer.result not in Editable.parse(start).biases]
    better = improve(blob("float"), {how: start}, rows(12), "weights")
    after = Network.parse(better.blob)
    untouched = all(np.array_equal(network.constant(x.weights), after.constant(x.weights)) for x in after.layers if x.result in kept)
    return {"reason": better.reason, "fit": better.fit, "kept": len(kept), "untouched": untouched, "larger": len(better.blob) / len(start)}


def swapped(value: float, kind: str) -> dict[str, Any]:
    """What becomes of samples that the float network cannot stand, or that do not fit it."""
    shape = (1, 8, 8, 3) if kind == "value" else (1, 5, 5, 3)
    better = improve(blob("float"), {"int8-pt": blob("int8-pt")}, [[np.full(shape, value, np.float32)] for _ in range(6)], "weights")
    return {"same": better.blob == blob("int8-pt"), "reason": better.reason}
