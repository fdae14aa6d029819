"""What a remedy tells people to type exists: options, efforts, converters and their settings."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import edgeroute
from edgeroute.cli import convert_
from edgeroute.cli.main import COMMANDS, command_parser
from edgeroute.explain import codes
from edgeroute.verify import liveness
from edgeroute.workshop import open_workshop

CORE = Path(edgeroute.__file__).parent
ROOMS = ("verify", "runner")
"""Where remedies speak of nothing but our own options."""
WORDS = re.compile(r"[A-Z_]+|and|or|says")
"""What follows an option in a sentence, and is no value of it."""


def texts() -> Iterator[str]:
    """Everything that these rooms and the table of codes may say."""
    for entry in codes().values():
        yield from entry.values()
    for file in sorted(f for room in ROOMS for f in (CORE / room).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        yield from (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def named(pattern: str) -> set[str]:
    return {found for text in texts() for found in re.findall(pattern, text) if not WORDS.fullmatch(found)}


def test_every_option_exists() -> None:
    known = {option for name in COMMANDS for option in command_parser(name)._option_string_actions} | {"--version", "--no-deps"}
    assert named(r"(?<![\w-])(--[a-z][a-z-]+)") <= known


def test_every_effort_exists() -> None:
    action = convert_.parser()._option_string_actions["--effort"]
    assert named(r"--effort ([a-z]+)") <= set(action.choices or ())


def test_every_converter_and_setting_exists(tmp_path: Path) -> None:
    converters = open_workshop(root=tmp_path).catalog.converters
    settings = {f"{c.name}.{f.name}" for c in converters for f in dataclasses.fields(c.options)}
    assert named(r"--(?:via|avoid) ([a-z][a-z0-9-]+)") <= {c.name for c in converters}
    assert named(r"--set ([a-z][a-z0-9-]+\.[a-z_]+)") <= settings


def test_a_dead_group_says_what_to_type_whatever_was_tried() -> None:
    assert "--effort max" in liveness.REVIVE and "--effort fast" not in liveness.REVIVE
    assert "--allow-degraded does not" in liveness.REVIVE
