"""`edgeroute list formats|converters|targets`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from edgeroute import api
from edgeroute.cli import shared
from edgeroute.types import Converter, Json, to_json


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("formats", "converters", "targets"), help="what to list")


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    if arguments.what == "formats":
        found = api.formats(shop)
        rows = [(f.name, f.title, f.is_a) for f in found]
        return _show(arguments, to_json(found), rows, ("format", "what it is", "special case of"))
    if arguments.what == "targets":
        devices = api.targets(shop)
        rows = [(t.name, t.title, ", ".join(t.accepts)) for t in devices]
        return _show(arguments, to_json(devices), rows, ("target", "what it is", "loads"))
    edges = api.converters(shop)
    lines = [(c.name, f"{c.source} → {c.target}", c.environment or c.tool or "-", _options(c)) for c in edges]
    return _show(arguments, [_converter(c) for c in edges], lines, ("converter", "edge", "environment", "options"))


def _show(arguments: argparse.Namespace, value: Json, rows: Sequence[tuple[str, ...]], heads: tuple[str, ...]) -> int:
    if arguments.json:
        shared.emit(value)
    else:
        shared.say(shared.table(rows, heads))
    return 0


def _converter(converter: Converter) -> Json:
    options = [
        {
            "name": f.name,
            "default": None if f.default is dataclasses.MISSING else to_json(f.default),
            **{k: to_json(v) for k, v in f.metadata.items()},
        }
        for f in dataclasses.fields(converter.options)
    ]
    return {**to_json(converter), "key": converter.key, "options": options}


def _options(converter: Converter) -> str:
    return ", ".join(f.name for f in dataclasses.fields(converter.options) if not f.metadata.get("fill")) or "-"
