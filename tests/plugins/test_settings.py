"""What a user writes after `--set` reaches the worker: every option of every edge, by a text of its type."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

import pytest

from edgeroute.codec import from_json
from edgeroute.runner.request import Request, options_for
from edgeroute.types import Converter, to_json
from edgeroute.workshop import open_workshop

TEXTS: dict[Any, str] = {bool: "true", int: "8", float: "0.5", str: "name", Path: "folder"}


def text_of(hint: Any) -> str:
    """Something that a user could write for an option of this type; empty for what comes from edgeroute alone."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return text_of(arguments[0])
    if origin in (dict, collections.abc.Mapping):
        value = "[1, 3]" if typing.get_origin(arguments[1]) is collections.abc.Sequence else '"float32"'
        return f'{{"name": {value}}}'
    if origin is tuple and arguments[-1] is not Ellipsis:
        return ",".join(map(text_of, arguments))
    return text_of(arguments[0]) if origin else TEXTS.get(hint, "")


def edges() -> dict[str, Converter]:
    return {c.key: c for c in open_workshop().catalog.converters}


@pytest.mark.parametrize("key", edges())
def test_every_option_can_be_set_from_the_command_line(key: str) -> None:
    edge = edges()[key]
    hints = typing.get_type_hints(edge.options)
    given = {
        f.name: str(f.metadata["choices"][0]) if f.metadata.get("choices") else text_of(hints[f.name])
        for f in dataclasses.fields(edge.options)
    }
    settable = {name: text for name, text in given.items() if text}
    options = options_for(edge, Request(options={edge.key: settable}), {})
    crossed = from_json(edge.options, json.loads(json.dumps(to_json(options))))
    assert to_json(crossed) == to_json(options)
