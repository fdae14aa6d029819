"""The operator tables of `tables/*.toml`, read once."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


@functools.cache
def table(name: str) -> Mapping[str, Any]:
    """artpec7, artpec8, artpec9 or versions."""
    return tomllib.loads(Path(__file__).with_name("tables").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@functools.cache
def artpec8_status() -> Mapping[str, str]:
    """Operator → listed, observed, likely or unlikely."""
    return {operator: status for status, entry in table("artpec8")["status"].items() for operator in entry["operators"]}


def release(operator: str, version: int) -> str:
    """The first TFLite release that knows this version of an operator; empty for operators without a row."""
    releases = table("versions")["releases"].get(operator, ())
    if releases and version > len(releases):
        return str(table("versions")["later"])
    return str(releases[version - 1]) if 0 < version <= len(releases) else ""


def number(version: str) -> tuple[int, ...]:
    """`2.3.1` as (2, 3, 1); what does not start with a number counts as nothing."""
    parts: list[int] = []
    for part in version.strip().split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        parts.append(int(digits))
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def newer(version: str, than: str) -> bool:
    """Whether a version is above another one; unknown versions are not."""
    return bool(number(version)) and bool(number(than)) and number(version) > number(than)
