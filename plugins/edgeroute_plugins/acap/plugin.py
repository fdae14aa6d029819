"""Declares `acap-pack`: ONNX and TFLite files → Docker build contexts for the camera's CPU."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Environment, Format, Recognition, Runner, Target
from edgeroute_plugins.acap.options import Options
from edgeroute_plugins.acap.parts import DESCRIPTION, KINDS, TARGETS

PACKAGE = "edgeroute_plugins.acap"


@hookimpl
def edgeroute_formats() -> Iterable[Format]:
    return [Format(k.format, k.title, "", precision=k.precision, static=True, promise=f"{PACKAGE}.context_files:whole") for k in KINDS]


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    """What a container installs, for this computer: its Python part is built and run here."""
    found = {k.environment: Environment(k.environment, (*k.requirements, *k.here), _python(k.arch), megabytes=250) for k in KINDS}
    return list(found.values())


def _python(arch: str) -> str:
    """tflite-runtime ends with Python 3.11, which is Debian 12's."""
    return ">=3.11,<3.12" if arch == "armv7hf" else ">=3.11,<3.14"


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="acap-pack",
            title="pack with its runtime for a container on the camera's CPU",
            source=kind.source,
            target=kind.format,
            run=f"{PACKAGE}.run:{kind.format.replace('-', '_')}",
            options=Options,
            environment=kind.environment,
            cost=Cost(risk=0.01, seconds=5),
        )
        for kind in KINDS
    ]


@hookimpl
def edgeroute_targets() -> Iterable[Target]:
    return [
        Target(name, f"A container on the camera's CPU, {arch}", tuple(k.format for k in KINDS if k.arch == arch), details={"arch": arch})
        for name, arch in TARGETS.items()
    ]


@hookimpl
def edgeroute_recognize(path: Path) -> Recognition | None:
    """A folder with a description of ours in it."""
    if not path.is_dir() or not (path / DESCRIPTION).is_file():
        return None
    from edgeroute_plugins.acap import context_files

    return context_files.recognize(path)


@hookimpl
def edgeroute_runners() -> Iterable[Runner]:
    """The container's own code executes its model, in its own environment."""
    names = sorted({k.environment for k in KINDS})
    return [Runner(name, tuple(k.format for k in KINDS if k.environment == name), f"{PACKAGE}.session:load", name) for name in names]
