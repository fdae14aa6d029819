"""Holds bytes against a device, as `edgeroute check` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeroute.types import Artifact, Finding, Target, ValidationReport
from edgeroute_plugins.devices.check import check
from edgeroute_plugins.devices.targets import TARGETS


@dataclass(frozen=True)
class Held:
    """A file, a device, and what else is known."""

    data: bytes
    target: str
    context: Mapping[str, Any] = field(default_factory=dict)
    size: int = 0
    """What the artifact says of its bytes; 0 for the truth."""
    format: str = "tflite-int8"


def target(name: str) -> Target:
    return next(t for t in TARGETS if t.name == name)


def report(held: Held, folder: Path) -> ValidationReport:
    path = folder / "model.bin"
    path.write_bytes(held.data)
    answer = check(Artifact(path, held.format, "", held.size or len(held.data)), target(held.target), held.context)
    assert answer is not None
    return answer


def codes(answer: ValidationReport) -> set[str]:
    return {f.code for f in answer.findings}


def only(answer: ValidationReport, code: str) -> Finding:
    """The one finding with this code."""
    (found,) = [f for f in answer.findings if f.code == code]
    return found
