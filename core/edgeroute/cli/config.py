"""`edgeroute.toml`: models × targets × options, with profiles; every key is the command line's option of that name.

    [defaults]                     # for every conversion
    calibrate = "pictures/"
    out = "out/"

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

What stands nearer wins: defaults, model, target, profile, command line. Paths are meant from the file's folder.
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
OWN = ("source", "targets", "set", "on")
"""Keys that are no option of the command line."""
REFUSED = ("to", "config", "profile", "plan", "json", "plugin", "offline")
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
        chosen = self._profile(profile)
        for name, model in self._models(chosen):
            for target in self._targets(name, model, chosen):
                layers = (self.table.get("defaults", {}), model, model.get("on", {}).get(target, {}), chosen)
                merged = _merge(layers)
                words = [w for key, value in merged.items() if key not in ("models", *OWN) for w in self._words(key, value, known[key])]
                settings = [w for address, value in merged.get("set", {}).items() for w in ("--set", f"{address}={_text(value)}")]
                yield self._path(model, name), target, words + settings

    def _must_be_tables(self) -> None:
        for place, value in self._tables():
            if not isinstance(value, Mapping):
                raise UsageError(
                    f"{self.path.name} says {value!r} for {place}, which is a table",
                    where=str(self.path),
                    remedy=f"write [{place}], and under it a line for each key",
                    code="config-unknown",
                )

    def _tables(self) -> Iterator[tuple[str, Any]]:
        """Every place that holds keys, the outer ones first: whoever looks at them in turn stops at the first that is none."""
        for name in ("defaults", "models", "profiles"):
            yield name, self.table.get(name, {})
        yield "defaults.set", self.table.get("defaults", {}).get("set", {})
        for group in ("models", "profiles"):
            for name, own in self.table.get(group, {}).items():
                place = f"{group}.{name}"
                yield place, own
                yield f"{place}.set", own.get("set", {})
                yield f"{place}.on", own.get("on", {})
                for target, more in own.get("on", {}).items():
                    yield f"{place}.on.{target}", more
                    yield f"{place}.on.{target}.set", more.get("set", {})

    def _must_be_known(self, known: Mapping[str, argparse.Action]) -> None:
        """Every key of every table, whether this profile asks for it or not."""
        tables = [("defaults", self.table.get("defaults", {})), *self.models.items(), *self.table.get("profiles", {}).items()]
        tables += [(f"{name}.on.{target}", own) for name, model in self.models.items() for target, own in model.get("on", {}).items()]
        for name, table in tables:
            for key in table.keys() - {"models", *OWN}:
                if key not in known or key in REFUSED:
                    raise self._bad(f"says {key} in {name}, which is no option of a conversion", key, sorted(set(known) - set(REFUSED)))

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
            return [flag] if value else []
        values = value if isinstance(value, list) and isinstance(option, argparse._AppendAction) else [value]
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
