"""Throw-away formats, edges and targets for pure tests."""

from __future__ import annotations

from types import ModuleType

from edgeroute.catalog import Catalog
from edgeroute.types import Converter, Cost, Format, Target


def node(name: str, is_a: str = "") -> Format:
    return Format(name, name, f".{name}", is_a=is_a)


def edge(name: str, source: str, target: str, risk: float = 0.1, **more: object) -> Converter:
    return Converter(name, source, target, "nowhere:run", cost=Cost(risk), **more)  # type: ignore[arg-type]


def catalog(formats: str, *edges: Converter, accepts: tuple[str, ...] = ("d",), special: dict[str, str] | None = None) -> Catalog:
    """Formats by letter (`special` maps one to what it is a special case of), edges, and the target `t`."""
    nodes = {name: node(name, (special or {}).get(name, "")) for name in formats.split()}
    return Catalog(nodes, edges, {"t": Target("t", "a device", accepts)})


def module(name: str, **answers: object) -> ModuleType:
    """A plugin module whose hooks answer the given lists."""
    made = ModuleType(name)
    for question, items in answers.items():
        setattr(made, f"edgeroute_{question}", (lambda value: lambda: value)(items))
    return made
