"""Questions of the contract suite to a child of this interpreter, which knows the plugin's package and nothing else of this process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from edgeroute.errors import ConverterFailed
from edgeroute.importing import code_of
from edgeroute.jobs import run_job
from edgeroute.types import Job, Json, Limits


def ask(function: str, arguments: Mapping[str, Json], folder: Path, module: str) -> Json:
    """The value of `package.module:function(**arguments)`; raises ConverterFailed with what the child said."""
    top = importlib.import_module(module.partition(".")[0])
    outcome = run_job(Path(sys.executable), Job("call", function, dict(arguments), code=dict(code_of(top))), folder / "job", Limits(300))
    if outcome.status != "ok":
        raise ConverterFailed(
            str(outcome.error.get("message") or outcome.status), remedy=f"repeat it: {outcome.command}", code="contract-child"
        )
    return outcome.value
