"""What the refining tests do with real files, called in the environment `runtime`."""

from __future__ import annotations

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
