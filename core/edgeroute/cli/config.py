"""`edgeroute.toml`: models × targets × options, with profiles; every key is the command line's option of that name.

    [defaults]                     # for every conversion
    calibrate = "pictures/"
    out = "out/"
    [defaults.on.artpec8]          # for every conversion for one target
    min-sqnr = 20

    [models.detector]
    source = "detector.onnx"
    targets = ["artpec8", "artpec9"]
    input-shape = ["images:1,3,320,320"]
    [models.detector.set]
    "tf-quantizer.border" = "int8"
    [models.detector.on.artpec9]   # for one target
    effort = "max"

    [profiles.quick]               # --profile quick
    models = ["detector"]
    targets = ["artpec8"]
    effort = "fast"

What stands nearer wins: defaults, model, profile, command line; inside each of the first three, what is said for the target. Paths are meant
from the file's folder.
"""

from __future__ import annotations

import argparse
import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError, UsageError

NAME = "edgeroute.toml"
PATHS = ("source", "out", "calibrate", "preprocess", "c-header", "report")
OWN = {
    "defaults": ("targets", "set", "on"),
    "models": ("source", "targets", "set", "on"),
    "profiles": ("models", "targets", "set", "on"),
    "on": ("set",),
}
"""Kind of table → its keys that are no option of the command line."""
REFUSED = ("to", "config", "profile", "plan", "json", "plugin", "offline", "help")
"""Options that are no property of a conversion."""


class Config:
    """A file and the words that it stands for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table = _read(path)
        unknown = sorted(self.table.keys() - {"defaults", "models", "profiles"})
        if unknown:
            raise self._bad(f"has no table [{unknown[0]}]", unknown[0], ("defaults", "models", "profiles"))
        self._must_be_tables()
        if not self.models:
            raise self._bad("names no models", "", ())

    @property
    def models(self) -> Mapping[str, Any]:
        models: Mapping[str, Any] = self.table.get("models", {})
        return models

    def conversions(self, profile: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, list[str]]]:
        """Source, target, and the words of its options, of every conversion that a profile (or the empty one) asks for."""
        known = _options(parser)
        self._must_be_known(known)
        self._must_be_used()
        chosen = self._profile(profile)
        for name, model in self._models(chosen):
            for target in self._targets(name, model, chosen):
                merged = _merge([own for table in (self.table.get("defaults", {}), model, chosen) for own in _layers(table, target)])
                words = [w for key, value in merged.items() if key in known and key != "set" for w in self._words(key, value, known[key])]
                settings = [w for address, value in merged.get("set", {}).items() for w in ("--set", f"{address}={_text(value)}")]
                yield self._path(model, name), target, words + settings

    def _must_be_tables(self) -> None:
        for place, _, value in self._tables():
            if not isinstance(value, Mapping):
                raise UsageError(
                    f"{self.path.name} says {value!r} for {place}, which is a table",
                    where=str(self.path),
                    remedy=f"write [{place}], and under it a line for each key",
                    code="config-unknown",
                )

    def _tables(self) -> Iterator[tuple[str, str, Any]]:
        """Place, kind and content of whatever holds keys, the outer ones first: whoever looks at them in turn stops at the first that is none."""
        for name in ("defaults", "models", "profiles"):
            yield name, "defaults" if name == "defaults" else "", self.table.get(name, {})
        yield from _inner("defaults", self.table.get("defaults", {}))
        for group in ("models", "profiles"):
            for name, own in self.table.get(group, {}).items():
                yield f"{group}.{name}", group, own
                yield from _inner(f"{group}.{name}", own)

    def _must_be_known(self, known: Mapping[str, argparse.Action]) -> None:
        """Every key of every table, whether this profile asks for it or not."""
        options = known.keys() - set(REFUSED)
        for place, kind, table in self._tables():
            for key in table if kind else ():
                if key not in options and key not in OWN[kind]:
                    raise self._bad(f"says {key} in {place}, which is no option of a conversion", key, sorted({*options, *OWN[kind]}))

    def _must_be_used(self) -> None:
        """Every target that something is said for is one that a table asks for."""
        tables = [self.table.get("defaults", {}), *self.models.values(), *self.table.get("profiles", {}).values()]
        asked = {target for table in tables for target in _names(table.get("targets"))}
        for target in (name for table in tables for name in table.get("on", {})):
            if target not in asked:
                raise self._bad(f"says something on {target}, which none of its targets is", target, sorted(asked))

    def _profile(self, name: str) -> Mapping[str, Any]:
        profiles = self.table.get("profiles", {})
        if name and name not in profiles:
            raise self._bad(f"has no profile {name}", name, profiles)
        chosen: Mapping[str, Any] = profiles[name] if name else {}
        return chosen

    def _models(self, profile: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        chosen = profile.get("models", list(self.models))
        if not isinstance(chosen, list):
            raise self._bad("has a profile whose models are no list", "models", ('models = ["NAME"]',))
        for name in chosen:
            if name not in self.models:
                raise self._bad(f"has no model {name}", name, self.models)
            yield name, self.models[name]

    def _targets(self, name: str, model: Mapping[str, Any], profile: Mapping[str, Any]) -> Sequence[str]:
        targets = profile.get("targets") or model.get("targets") or self.table.get("defaults", {}).get("targets")
        if not isinstance(targets, list) or not all(isinstance(t, str) for t in targets):
            raise self._bad(f"says no targets for {name}", "targets", ('targets = ["artpec8"]',))
        return targets

    def _path(self, model: Mapping[str, Any], name: str) -> str:
        if not isinstance(model.get("source"), str):
            raise self._bad(f"says no source for {name}", "source", ('source = "model.onnx"',))
        return str(self.path.parent / model["source"])

    def _words(self, key: str, value: Any, option: argparse.Action) -> list[str]:
        flag = f"--{key}"
        if option.nargs == 0:
            if not isinstance(value, bool):
                raise self._bad(f"says {key} = {value!r}, which is either true or false", "", (f"{key} = true", f"{key} = false"))
            return [flag] if value else []
        several = isinstance(option, argparse._AppendAction) and isinstance(value, list) and all(isinstance(v, str) for v in value)
        values = value if several else [value]
        return [f"{flag}={self._resolved(key, _text(v))}" for v in values]

    def _resolved(self, key: str, text: str) -> str:
        """A path as seen from the file's folder; a folder to be made keeps its slash. A preset's name stays."""
        whole = self.path.parent / text
        if key not in PATHS or (key == "preprocess" and not whole.exists()):
            return text
        return f"{whole}/" if text.endswith("/") else str(whole)

    def _bad(self, what: str, name: str, known: Any) -> UsageError:
        near = difflib.get_close_matches(name, list(known), n=1) if name else []
        hint = f"did you mean {near[0]}? " if near else ""
        listed = ", ".join(map(str, known))
        return UsageError(
            f"{self.path.name} {what}",
            where=str(self.path),
            remedy=f"{hint}known are: {listed}" if listed else 'write [models.NAME] with source = "model.onnx" and targets = ["artpec8"]',
            code="config-unknown",
        )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SourceError(f"there is no file {path}", remedy="check the path after --config", code="source-missing") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path.name} is no TOML: {error}", where=str(path), remedy="mend that line", code="config-unreadable") from error


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Long options by name, without dashes."""
    return {flag[2:]: action for action in parser._actions for flag in action.option_strings if flag.startswith("--")}


def _inner(place: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The tables inside one that says something of conversions."""
    yield f"{place}.set", "", table.get("set", {})
    yield f"{place}.on", "", table.get("on", {})
    for target, own in table.get("on", {}).items():
        yield f"{place}.on.{target}", "on", own
        yield f"{place}.on.{target}.set", "", own.get("set", {})


def _layers(table: Mapping[str, Any], target: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a table says, and nearer, what it says for a target."""
    return table, table.get("on", {}).get(target, {})


def _names(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _merge(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The nearest value of every key; settings of converters are joined."""
    merged: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for layer in layers:
        merged |= layer
        settings |= layer.get("set", {})
    return {**merged, "set": settings}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(_text(v) for v in value) if isinstance(value, list) else str(value)
