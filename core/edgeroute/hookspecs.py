"""The questions that core asks plugins. They fit one page; each answer is plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pluggy

from edgeroute.types import Artifact, Converter, Environment, Format, Recognition, Runner, Target, Tool, ValidationReport

hookspec = pluggy.HookspecMarker("edgeroute")
hookimpl = pluggy.HookimplMarker("edgeroute")


@hookspec
def edgeroute_formats() -> Iterable[Format]:
    """Which kinds of model files do you add to the graph?"""
    raise NotImplementedError


@hookspec
def edgeroute_converters() -> Iterable[Converter]:
    """Which edges do you add to the graph?"""
    raise NotImplementedError


@hookspec
def edgeroute_environments() -> Iterable[Environment | Tool]:
    """Which environments and vendor tools do your converters and runners name?"""
    raise NotImplementedError


@hookspec
def edgeroute_targets() -> Iterable[Target]:
    """Which devices do you know?"""
    raise NotImplementedError


@hookspec(firstresult=True)
def edgeroute_recognize(path: Path) -> Recognition | None:
    """Is this file yours, by its content? Then which format, and what do you measure in it? Never run or unpickle it."""


@hookspec(firstresult=True)
def edgeroute_capture(obj: object, folder: Path, inputs: Any) -> Path | None:
    """Is this live object (an nn.Module, a keras.Model, a ModelProto) yours? Then write it into the folder and say where."""


@hookspec
def edgeroute_runners() -> Iterable[Runner]:
    """How are files of your formats executed on arrays?"""
    raise NotImplementedError


@hookspec
def edgeroute_check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport | None:
    """Which rules of this device does the file break, and where will its operators run? Standard library only; None if it is not yours.

    `context` may hold `runtime` (name → version), `preprocess` (a Preprocess) and `verification` (a Verification).
    """
    raise NotImplementedError
