"""What strangers build on, as text: `python -m tests.core.api_surface` writes it anew, and its digest into the changelog."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from edgeroute import api, deprecation, errors, hookspecs, plugins, rules, types
from edgeroute.runner import request
from edgeroute.testing import contract, samples

FILE = Path(__file__).with_name("api_surface.txt")
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
MARK = re.compile(r"^<!-- surface: (\w+) -->$", re.MULTILINE)
MODULES: tuple[ModuleType, ...] = (types, hookspecs, api, errors, deprecation)
NAMED: tuple[tuple[ModuleType, str], ...] = (
    (plugins, "API_VERSION"), (plugins, "GROUP"), (rules, "Rule"), (rules, "rules_of"), (rules, "finding"), (request, "Request"),
    (contract, "PluginContract"), (samples, "onnx"),
)  # fmt: skip


def surface() -> str:
    """Every public name with its signature, one per line."""
    lines = [
        line for module in MODULES for name in _public(module) for line in _describe(f"{module.__name__}.{name}", getattr(module, name))
    ]
    lines += [line for module, name in NAMED for line in _describe(f"{module.__name__}.{name}", getattr(module, name))]
    return "\n".join(lines) + "\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _public(module: ModuleType) -> Iterator[str]:
    """Names that the module itself defines."""
    for name, value in sorted(vars(module).items()):
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__:
            yield name


def _describe(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, FunctionType):
        yield f"{name}{inspect.signature(value)}"
    elif isinstance(value, type):
        yield from _class(name, value)
    else:
        yield f"{name} = {value!r}"


def _class(name: str, value: type) -> Iterator[str]:
    bases = ", ".join(b.__name__ for b in value.__bases__ if b is not object)
    yield f"class {name}({bases})"
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield f"  {field.name}: {field.type}{_default(field)}"
    elif issubclass(value, enum.Enum):
        yield from (f"  {member.name} = {member.value!r}" for member in value)
    elif issubclass(value, errors.EdgerouteError):
        yield f"  exit_code = {value.exit_code}, family = {value.family!r}"
    for attribute, found in sorted(vars(value).items()):
        function = found.fget if isinstance(found, property) else found
        if not attribute.startswith("_") and isinstance(function, FunctionType):
            yield f"  {'property ' if isinstance(found, property) else ''}{attribute}{inspect.signature(function)}"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f" = {field.default!r}"
    return " = …" if field.default_factory is not dataclasses.MISSING else ""


def main() -> None:
    """Write the surface, and its digest into the newest section of the changelog."""
    text = surface()
    FILE.write_text(text, encoding="utf-8")
    said = CHANGELOG.read_text(encoding="utf-8")
    CHANGELOG.write_text(MARK.sub(f"<!-- surface: {digest(text)} -->", said, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
