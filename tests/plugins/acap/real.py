"""Packs a TFLite file in the environment of its container, which is built if need be, and lets the context test itself there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import edgeroute_plugins
from edgeroute import paths
from edgeroute.environments import Environments
from edgeroute.jobs import run_job
from edgeroute.types import Job, Limits
from edgeroute_plugins.acap.parts import Kind
from edgeroute_plugins.acap.plugin import edgeroute_converters, edgeroute_environments

CODE = {"edgeroute_plugins": str(Path(next(iter(edgeroute_plugins.__path__))))}
MODELS = Path(__file__).parents[1] / "tflite" / "models"


def check(kind: Kind, folder: Path) -> None:
    """Fails the test where packing fails, or where the context does not give its own answers again."""
    model = folder / "model.tflite"
    model.write_bytes((MODELS / ("int8-pc.tflite" if kind.precision == "int8" else "float.tflite")).read_bytes())
    declared = {e.name: e for e in edgeroute_environments()}
    python = Environments(paths.environments(), declared).ensure(kind.environment).python
    converter = next(c for c in edgeroute_converters() if c.target == kind.format)
    arguments = {"source": str(model), "out": str(folder / "context"), "options": {}}
    options = f"{converter.options.__module__}:{converter.options.__qualname__}"
    outcome = run_job(python, Job("convert", converter.run, arguments, options, code=CODE), folder / "job", Limits(seconds=300))
    assert outcome.status == "ok", outcome.error
    said = subprocess.run([python, "-B", folder / "context" / "infer.py", "--self-test"], capture_output=True, text=True, check=False)
    assert said.returncode == 0 and json.loads(said.stdout)["ok"], said.stderr
