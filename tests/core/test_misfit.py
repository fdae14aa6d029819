"""Nouns made with the wrong things in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute.misfit import misfit
from edgeroute.types import Artifact, Converter, Cost, Environment, Facts, Finding, Format, Recognition, Severity, Symptom, Tensor

GOOD = Converter("c", "a", "b", "p:f", symptoms=(Symptom("x", "x", "x", "x"),), variants=({"a": [1, None]},))


@pytest.mark.parametrize(
    "value",
    [
        GOOD,
        Environment("e", ["one==1"]),  # type: ignore[arg-type]
        Cost(risk=1),
        Recognition("a", Facts((Tensor("x", (1, None), "float32"),), operators={"Conv": 3}), (Path("x"),)),
        Finding("c", Severity.TIP, "m", "r"),
    ],
)
def test_what_is_as_declared_fits(value: object) -> None:
    assert misfit(value, (type(value),)) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7, "int where Format or Converter is wanted"),
        (Format("a", None, ".a"), "Format whose title is None, but should be str"),  # type: ignore[arg-type]
        (Format("a", "a", ".a", static="no"), "Format whose static is 'no', but should be bool"),  # type: ignore[arg-type]
        (Converter("c", "a", "b", "p:f", gain=True), "Converter whose gain is True, but should be float"),
        (Converter("c", "a", "b", "p:f", options=3), "Converter whose options is 3, but should be type"),  # type: ignore[arg-type]
        (
            Converter("c", "a", "b", "p:f", symptoms=("x",)),
            "Converter whose symptoms is ('x',), but should be tuple[edgeroute.types.Symptom, ...]",
        ),  # type: ignore[arg-type]
        (Converter("c", "a", "b", "p:f", variants=({1: 2},)), "Converter whose variants is ({1: 2},)"),  # type: ignore[dict-item]
    ],
)
def test_the_field_that_does_not_fit_is_named(value: object, said: str) -> None:
    assert misfit(value, (Format, Converter)).startswith(said)


def test_the_innermost_noun_is_named() -> None:
    tensor = Tensor("x", (1, "two"), "float32")  # type: ignore[arg-type]
    artifact = Artifact(Path("x"), "a", "0", 1, tensor)  # type: ignore[arg-type]
    assert misfit(artifact, (Artifact,)) == "Tensor whose shape is (1, 'two'), but should be tuple[int | None, ...]"
