"""Clones of tools that no registry has: an environment variable names one, and it stands in for what would be installed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from edgeroute.requirements import name_of
from edgeroute.types import Environment, digest_json


def clone_of(environment: Environment, environ: Mapping[str, str]) -> Path | None:
    """The folder that the user names, if the environment knows of a variable for it and it is set."""
    named = environ.get(environment.variable, "").strip() if environment.variable else ""
    return Path(named) if named else None


def with_clone(environment: Environment, environ: Mapping[str, str]) -> Environment:
    """The environment as it is built on this computer: without the tool itself where the user has a clone of it."""
    if clone_of(environment, environ) is None:
        return environment
    tools = {name_of(r) for r in environment.no_deps}
    accepts = tuple(r for r in environment.accepts if name_of(r) not in tools)
    return dataclasses.replace(environment, no_deps=(), source="", accepts=accepts)


def missing_clone(environment: Environment, environ: Mapping[str, str]) -> tuple[str, str]:
    """Reason and remedy where the variable points nowhere; empty otherwise: it is never passed over in silence."""
    clone = clone_of(environment, environ)
    if clone is None or clone.is_dir():
        return "", ""
    return (
        f"{environment.variable} is {clone}, where there is no folder",
        f"let it name a clone of the tool, or unset {environment.variable}",
    )


def stamped(environment: Environment, environ: Mapping[str, str], digest: str) -> str:
    """The digest of an interpreter, changed by whatever changes in the user's clone."""
    clone = clone_of(environment, environ)
    if clone is None:
        return digest
    stamps = [(str(f.relative_to(clone)), f.stat().st_size, f.stat().st_mtime_ns) for f in sorted(clone.rglob("*.py"))]
    return digest_json([digest, stamps])[:32]
