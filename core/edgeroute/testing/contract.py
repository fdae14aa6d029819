"""The class that an author's test derives from; pytest makes one test per converter, target, format, … of the plugin.

class TestContract(PluginContract):
    plugin = "edgeroute_demo.plugin"          # the module behind the entry point
    samples = {"onnx": samples.onnx}          # format → a tiny model, or a function that writes one
"""

from __future__ import annotations

from typing import Any

import pytest

from edgeroute.testing.conduct import Conduct
from edgeroute.testing.declarations import Declarations
from edgeroute.testing.declared import declared
from edgeroute.testing.work import Work


class PluginContract(Declarations, Conduct, Work):
    """All that a plugin owes to its users. Tests that build environments or convert are marked `real`."""

    plugin: str = ""

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """One test for each thing that the plugin declares."""
        table = _table(cls)
        for name in metafunc.fixturenames:
            if name in table:
                values, ids = table[name]
                metafunc.parametrize(name, values, ids=ids)


def _table(contract: type[PluginContract]) -> dict[str, tuple[list[Any], list[str]]]:
    """Argument of a test → the values that it takes, and their names in pytest's output."""
    if not contract.plugin:
        raise pytest.UsageError(f"{contract.__name__}: say which plugin: plugin = 'edgeroute_demo.plugin'")
    said = declared(contract.plugin)
    suffixes = sorted({f.suffix for f in said.formats}) or [".bin"]
    symptoms = [(c, s) for c in said.converters for s in c.symptoms]
    runs = [(r, f) for r in said.runners for f in r.formats]
    return {
        "converter": (list(said.converters), [c.key for c in said.converters]),
        "format": (list(said.formats), [f.name for f in said.formats]),
        "target": (list(said.targets), [t.name for t in said.targets]),
        "environment": (list(said.built), [e.name for e in said.built]),
        "named": (list(said.all), [f"{type(i).__name__}-{getattr(i, 'key', i.name)}" for i in said.all]),
        "symptom": (symptoms, [f"{c.key}-{s.code}" for c, s in symptoms]),
        "in_caller": (list(said.functions), list(said.functions)),
        "in_worker": (list(said.workers), list(said.workers)),
        "runs": (runs, [f"{r.name}-{f}" for r, f in runs]),
        "sample": (list(contract.samples.items()), list(contract.samples)),
        "suffix": (list(suffixes), [s or "none" for s in suffixes]),
    }
