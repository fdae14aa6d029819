"""The extras of the distribution carry the pins of the plugins' environments."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from docs.scripts.reference import catalog
from edgeroute.types import Environment

ROOT = Path(__file__).parents[2]
EXTRAS = {"torch": ("torch",), "tensorflow": ("tensorflow",), "onnx2tf": ("onnx2tf",), "litert": ("litert-torch", "ai-edge-quantizer")}


def extra(name: str) -> list[str]:
    listed: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return listed[name]


def pins(requirements: list[str]) -> dict[str, str]:
    parsed = [Requirement(r) for r in requirements]
    return {r.name: str(r.specifier) for r in parsed}


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_has_the_pins_of_its_environments(name: str) -> None:
    declared = [catalog().environments[e] for e in EXTRAS[name]]
    wanted = [r for e in declared if isinstance(e, Environment) for r in e.requirements]
    assert pins(extra(name)) == pins(wanted)
    assert all(r.startswith("==") for r in pins(wanted).values())


def test_the_runtime_extra_is_what_the_runtime_environment_accepts() -> None:
    runtime = catalog().environments["runtime"]
    assert isinstance(runtime, Environment) and pins(extra("runtime")) == pins(list(runtime.accepts))


def test_core_needs_three_small_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {Requirement(r).name for r in project["dependencies"]} == {"pluggy", "networkx", "packaging"}
