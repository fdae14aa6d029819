"""`edgeroute plugin new`: a small distribution that works, from the templates beside this file."""

from __future__ import annotations

import importlib.resources
import re
import string
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

import edgeroute
from edgeroute import rules
from edgeroute.catalog import Catalog
from edgeroute.errors import OutputError, UsageError
from edgeroute.plugins import API_VERSION

SUFFIX = ".tmpl"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 30


def create(name: str, folder: Path, catalog: Catalog) -> Path:
    """Write the distribution edgeroute-<name> into a folder of that name; returns it.

    Raises UsageError for a name that is none or taken, OutputError where something is in the way.
    """
    name = name.removeprefix("edgeroute-").replace("_", "-")
    _must_be_free(name, catalog)
    place = folder / f"edgeroute-{name}"
    if place.exists():
        raise OutputError(f"{place} exists", remedy="take another name, or another folder: --out DIR", code="output-exists")
    values = _values(name)
    try:
        for parts, text in _templates(importlib.resources.files(__name__) / "template"):
            target = place.joinpath(*(values["package"] if part == "package" else part for part in parts))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(string.Template(text).substitute(values), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{place} cannot be written: {error.strerror}", remedy="name another folder: --out DIR", code="output-unwritable"
        ) from error
    return place


def _must_be_free(name: str, catalog: Catalog) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            f"{name!r} cannot name a plugin",
            remedy="small letters, digits and '-', a letter first: edgeroute plugin new my-board",
            code="bad-plugin-name",
        )
    ours = {f"format:{name}", f"environment:{name}", f"converter:{name}-pack", f"target:{name}-board", f"runner:{name}"}
    taken = [f"the {key.replace(':', ' ')} belongs to the plugin {catalog.owners[key]}" for key in sorted(ours & catalog.owners.keys())]
    taken += [f"there is a plugin {owner}" for owner in sorted(set(catalog.owners.values())) if owner == _values(name)["plugin"]]
    code = f"{_values(name)['CODE']}-001"
    taken += [
        f"there is a rule {code}, as the plugin's own first one would be"
        for known in rules.all_rules(catalog.targets.values())
        if known == code
    ]
    if taken:
        raise UsageError(taken[0], remedy="take another name, or remove that plugin first", code="plugin-name-taken")


def _values(name: str) -> dict[str, str]:
    words = name.replace("-", " ")
    return {
        "name": name,
        "package": f"edgeroute_{name.replace('-', '_')}",
        "plugin": name.replace("-", "_"),
        "title": words,
        "Title": words.capitalize(),
        "CODE": "".join(c for c in name.upper() if c.isalpha())[:4],
        "MAGIC": name.upper().replace("-", "")[:8].ljust(8, "_"),
        "api": str(API_VERSION),
        "version": edgeroute.__version__,
    }


def _templates(folder: Traversable, parts: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Path inside the distribution, and text, of every template."""
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _templates(entry, (*parts, entry.name))
        elif entry.name.endswith(SUFFIX):
            yield (*parts, entry.name.removesuffix(SUFFIX)), entry.read_text(encoding="utf-8")
