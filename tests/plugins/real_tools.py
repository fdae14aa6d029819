"""Runs converters, runners and test code for real, each in the environment that its plugin declares (built if need be)."""

from __future__ import annotations

import functools
import importlib
import itertools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import edgeroute_plugins
import tests
from edgeroute import paths
from edgeroute.codec import from_json
from edgeroute.environments import Environments
from edgeroute.jobs import run_job
from edgeroute.types import Converter, Environment, Facts, Job, Json, Limits, Outcome

DECLARING = ("torch_onnx", "litert_torch", "tensorflow_env", "runtime", "onnx2tflite", "onnx2tf", "aiedge")
"""Plugins that declare the environments which these tests need."""
NUMBERS = itertools.count()


@functools.cache
def environments() -> Environments:
    """What the plugins declare, built where a user's are."""
    found: dict[str, Environment] = {}
    for name in DECLARING:
        plugin = importlib.import_module(f"edgeroute_plugins.{name}.plugin")
        found |= {e.name: e for e in plugin.edgeroute_environments()}
    return Environments(paths.environments(), found)


def code() -> dict[str, str]:
    """What the worker may import."""
    return {package.__name__: str(Path(str(package.__file__)).parent) for package in (edgeroute_plugins, tests)}


def call(environment: str, function: str, arguments: Mapping[str, Json], folder: Path) -> Json:
    """The result of `package.module:function(**arguments)` in a child of the environment; fails the test where it fails."""
    python = environments().ensure(environment).python
    outcome = run_job(python, Job("call", function, arguments, code=code()), folder / f"job-{next(NUMBERS)}", Limits(seconds=900))
    assert outcome.status == "ok", (outcome.error, Path(outcome.log).read_text(encoding="utf-8")[-3000:])
    return outcome.value


def edge(plugin: str, name: str, source: str, target: str = "") -> Converter:
    """A declared converter."""
    declared = importlib.import_module(f"edgeroute_plugins.{plugin}.plugin").edgeroute_converters()
    return next(c for c in declared if (c.name, c.source) == (name, source) and target in ("", c.target))


def attempt(converter: Converter, source: Path, out: Path, **options: Json) -> Outcome:
    """One step as the runner would take it: the outcome, whatever it is."""
    python = environments().ensure(converter.environment).python
    arguments = {"source": str(source), "out": str(out), "options": options}
    kind = f"{converter.options.__module__}:{converter.options.__qualname__}"
    job = Job("convert", converter.run, arguments, options_type=kind, code=code())
    return run_job(python, job, out.parent / f"job-{next(NUMBERS)}", Limits(seconds=900))


def convert(converter: Converter, source: Path, out: Path, **options: Json) -> Facts:
    """One step that must succeed: the facts that it returns."""
    outcome = attempt(converter, source, out, **options)
    assert outcome.status == "ok", (outcome.error, Path(outcome.log).read_text(encoding="utf-8")[-3000:])
    assert out.exists()
    return from_json(Facts, outcome.value)


def refuse(converter: Converter, source: Path, out: Path, **options: Json) -> Mapping[str, Any]:
    """One step that must refuse with an error of ours: what it says. Nothing may be left at `out`."""
    outcome = attempt(converter, source, out, **options)
    assert outcome.status == "error" and outcome.error.get("exit_code"), outcome.error
    assert not out.exists()
    return outcome.error


@functools.cache
def trained(framework: str) -> Path:
    """A folder with the trained networks of `tests.nets`, made once per session in the framework's environment."""
    folder = Path(tempfile.mkdtemp(prefix=f"edgeroute-{framework}-"))
    call({"torch": "torch", "keras": "tensorflow"}[framework], f"tests.nets.{framework}_nets:save_all", {"folder": str(folder)}, folder)
    return folder


def answers(runner: str, environment: str, model: Path, folder: Path, seed: int = 0) -> dict[str, Any]:
    """What a runner's session computes of seeded inputs: see `tests.nets.executing:answers`."""
    arguments = {"runner": runner, "model": str(model), "seed": seed}
    value: dict[str, Any] = call(environment, "tests.nets.executing:answers", arguments, folder)
    return value


RUNNERS = {
    "torch-exported": ("edgeroute_plugins.torch_onnx.session:open_program", "torch"),
    "onnx": ("edgeroute_plugins.onnx.run:load", "runtime"),
    "tflite": ("edgeroute_plugins.tflite.run:load", "runtime"),
    "keras": ("edgeroute_plugins.keras_tf.session:open_keras", "tensorflow"),
    "savedmodel": ("edgeroute_plugins.keras_tf.session:open_saved_model", "tensorflow"),
}


def difference(source: tuple[str, Path], result: tuple[str, Path], folder: Path) -> float:
    """The largest difference between two files' outputs on the same inputs, relative to the range; images are turned to fit."""
    import numpy as np

    first, second = (answers(*RUNNERS[kind], model, folder) for kind, model in (source, result))
    worst = 0.0
    for name, values in first["outputs"].items():
        expected = np.array(values)
        got = [np.array(v) for v in second["outputs"].values()]
        fitting = [g for g in got if g.shape == expected.shape] or [g.transpose(0, 3, 1, 2) for g in got if g.ndim == 4] or got
        assert any(f.shape == expected.shape for f in fitting), (name, expected.shape, [g.shape for g in got])
        gap = min(float(np.abs(expected - f).max()) for f in fitting if f.shape == expected.shape)
        worst = max(worst, gap / max(float(np.ptp(expected)), 1e-6))
    return worst
