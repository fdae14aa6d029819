"""What plugins declare, held against what was asked: nonsense, names that are taken, ends that nobody declares.

All of it is found before anything is planned, so that one plugin's slip costs only that plugin.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from edgeroute.errors import EdgerouteError
from edgeroute.interpreters import parse_range
from edgeroute.misfit import misfit
from edgeroute.plugins import Plugin, Said
from edgeroute.requirements import parse
from edgeroute.types import Converter, Environment, Format, Json, Runner, Target, Tool

KINDS: Mapping[str, tuple[type, ...]] = {
    "formats": (Format,),
    "environments": (Environment, Tool),
    "converters": (Converter,),
    "targets": (Target,),
    "runners": (Runner,),
}
"""Question → what its answers are made of."""
FUNCTIONS = ("run", "preflight", "handover", "inspect", "trace", "part", "promise", "stamp", "unstamp")
"""Fields that name a function; all but `run` may be empty."""
FUNCTION = re.compile(r"[\w.]+:\w+")


class Fault(NamedTuple):
    """Why a plugin is quarantined, and as what."""

    plugin: Plugin
    reason: str
    status: str = "broken"


def first_fault(answers: Mapping[str, tuple[Said, ...]]) -> Fault | None:
    """The first thing that does not fit: what a plugin says itself before how it goes with the others."""
    return next((fault for look in (_nonsense, _taken, _dangling) for fault in look(answers)), None)


def _nonsense(answers: Mapping[str, tuple[Said, ...]]) -> Iterator[Fault]:
    for question, kinds in KINDS.items():
        for said in answers[question]:
            for item in said.items:
                reason = misfit(item, kinds) or _unusable(item)
                if reason:
                    yield Fault(said.plugin, f"edgeroute_{question}() answered {reason}")


def _unusable(item: Json) -> str:
    """What is wrong with a noun whose fields are of the right kinds."""
    if not item.name.strip():
        return f"{type(item).__name__} without a name"
    what = f"{type(item).__name__} {item.name} whose"
    for name in FUNCTIONS:
        address = getattr(item, name, "")
        if (address or (name == "run" and hasattr(item, name))) and not FUNCTION.fullmatch(address):
            return f"{what} {name} is {address!r}, but should be 'package.module:function'"
    try:
        if isinstance(item, Environment):
            parse_range(item.python)
            for text in (*item.requirements, *item.no_deps, *item.accepts):
                parse(text)
    except EdgerouteError as error:
        return f"{what} requirements make no sense: {error.message}"
    return f"{what} {trouble}" if isinstance(item, Converter) and (trouble := _options_trouble(item.options)) else ""


def _options_trouble(options: type) -> str:
    if not dataclasses.is_dataclass(options):
        return "options are not a dataclass"
    missing = dataclasses.MISSING
    bare = [f.name for f in dataclasses.fields(options) if f.init and f.default is missing and f.default_factory is missing]
    return f"option {bare[0]} has no default" if bare else ""


def _taken(answers: Mapping[str, tuple[Said, ...]]) -> Iterator[Fault]:
    for question in KINDS:
        owner: dict[str, str] = {}
        keys: set[str] = set()
        for said in answers[question]:
            for item in said.items:
                holder = owner.setdefault(item.name, said.plugin.name)
                if holder != said.plugin.name:
                    yield Fault(said.plugin, f"{question[:-1]} {item.name} belongs to the plugin {holder}", "shadowed")
                key = item.key if isinstance(item, Converter) else item.name
                if key in keys:
                    yield Fault(said.plugin, f"it declares the {question[:-1]} {key} twice")
                keys.add(key)


def _dangling(answers: Mapping[str, tuple[Said, ...]]) -> Iterator[Fault]:
    formats = {f.name for said in answers["formats"] for f in said.items}
    places = {e.name for said in answers["environments"] for e in said.items} | {""}
    for said in answers["formats"]:
        for item in said.items:
            if item.is_a and item.is_a not in formats:
                yield Fault(said.plugin, f"format {item.name} is a special case of {item.is_a}, which nobody declares")
    for said in answers["converters"]:
        for item in said.items:
            for end in (item.source, item.target):
                if end not in formats:
                    yield Fault(said.plugin, f"converter {item.name} names the format {end}, which nobody declares")
            for place in (item.environment, item.tool):
                if place not in places:
                    yield Fault(said.plugin, f"converter {item.name} names the environment or tool {place}, which nobody declares")
    for said in answers["runners"]:
        for item in said.items:
            if item.environment not in places:
                yield Fault(said.plugin, f"runner {item.name} names the environment {item.environment}, which nobody declares")
    for said in answers["targets"]:
        for item in said.items:
            missing = [a for a in item.accepts if a not in formats]
            if missing:
                yield Fault(said.plugin, f"target {item.name} accepts {', '.join(missing)}, which nobody declares")
