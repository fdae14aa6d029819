"""Calls functions in the environment `runtime`, built if need be: for tests that run real files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import edgeroute_plugins
import tests
from edgeroute import paths
from edgeroute.environments import Environments
from edgeroute.jobs import run_job
from edgeroute.types import Environment, Job, Outcome
from edgeroute_plugins.runtime.plugin import edgeroute_environments


def environment() -> Environment:
    (found,) = edgeroute_environments()
    return found


def call(folder: Path, function: str, arguments: Mapping[str, Any]) -> Outcome:
    """The outcome of `package.module:function(**arguments)` in a child."""
    ready = Environments(paths.environments(), {"runtime": environment()}).ensure("runtime")
    code = {package.__name__: str(Path(str(package.__file__)).parent) for package in (edgeroute_plugins, tests)}
    return run_job(ready.python, Job("call", function, arguments, code=code), folder / "job")
