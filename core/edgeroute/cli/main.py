"""The program: find the sub-command, import only its module, turn errors into messages and exit codes."""

from __future__ import annotations

import argparse
import difflib
import importlib
import json
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from edgeroute import __version__
from edgeroute.errors import EdgerouteError, UsageError

COMMANDS = {
    "convert": "turn a model into a verified file for a device",
    "finish": "complete a hand-over with the file that a colleague compiled",
    "verify": "hold a delivered file against what it says about where it comes from, and against its source",
    "blame": "show which steps and layers a loss enters at",
    "plan": "show the routes from a model or a format to a device, without running anything",
    "check": "hold a file against the rules of a device",
    "inspect": "show what a model file holds",
    "device": "try a file on a camera over ssh",
    "list": "list formats, converters or targets",
    "plugins": "show which plugins are loaded, broken, shadowed or disabled",
    "plugin": "start a new plugin: write a small distribution that works, with its tests",
    "env": "list, build, check or remove the environments that converters run in",
    "cache": "show or clear what earlier conversions left",
    "doctor": "look at this computer: interpreters, environments, vendor tools, plugins",
    "explain": "explain a rule or an error code: why it is there and how to get out of it",
    "completion": "print a script that completes commands and options in a shell",
}
EVERY = "*"
"""Stands for all commands."""
DEBUG = "EDGEROUTE_DEBUG"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageErrors with a remedy."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, remedy=f"`{self.prog} --help` shows how it is written", where=self.prog, code="bad-arguments")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = _command_first(list(sys.argv[1:] if arguments is None else arguments))
    try:
        return _run(words)
    except EdgerouteError as error:
        return _tell(error, as_json="--json" in words)
    except KeyboardInterrupt:
        print("interrupted; what was verified is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # the process border
        if os.environ.get(DEBUG):
            raise
        return _tell(_internal(error), as_json="--json" in words)


def _command_first(words: list[str]) -> list[str]:
    """`edgeroute --plugin FILE plan …` means `edgeroute plan --plugin FILE …`; so for all options that every command has."""
    front: list[str] = []
    rest = words
    while rest and (rest[0] in ("--json", "--offline") or rest[0].partition("=")[0] == "--plugin"):
        length = 2 if rest[0] == "--plugin" else 1
        front, rest = front + rest[:length], rest[length:]
    return [rest[0], *front, *rest[1:]] if rest and rest[0] in COMMANDS else words


def build_parser(only: str = "") -> argparse.ArgumentParser:
    """The parser; with `only`, a sub-command's own arguments are added (its module is imported then)."""
    parser = Parser(
        prog="edgeroute", description="Turns a trained model into the file that a camera's accelerator loads, and proves that it did."
    )
    parser.add_argument("--version", action="version", version=f"edgeroute {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if only in (name, EVERY):
            _module(name).configure(command)
            common(command)
    return parser


def _run(words: list[str]) -> int:
    name = next((w for w in words if not w.startswith("-")), "")
    if not words:
        build_parser().print_help()
        return 0
    if name and name not in COMMANDS and words[0] == name:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `edgeroute {near[0]}`? " if near else ""
        raise UsageError(f"there is no command {name}", remedy=f"{hint}`edgeroute --help` lists them all", code="unknown-command")
    arguments = build_parser(only=name).parse_args(words)
    if not arguments.command:
        raise UsageError("no command was given", remedy="`edgeroute --help` lists them all", code="unknown-command")
    code: int = _module(name).run(arguments)
    return code


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"edgeroute.cli.{name}_")


def common(parser: argparse.ArgumentParser) -> None:
    """What every command understands."""
    group = parser.add_argument_group("for every command")
    group.add_argument("--json", action="store_true", help="print one JSON object (documented by a schema) on stdout")
    group.add_argument("--offline", action="store_true", help="download nothing, not even packages of an environment")
    group.add_argument("--plugin", action="append", default=[], metavar="FILE", help="load a plugin from a Python file (may be repeated)")


def _tell(error: EdgerouteError, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": error.as_json()}, indent=1))
    where = f"  in {error.where}\n" if error.where else ""
    print(f"edgeroute: {error.message}\n{where}  → {error.remedy}\n  [{error.code}] `edgeroute explain {error.code}`", file=sys.stderr)
    return error.exit_code


def _internal(error: Exception) -> EdgerouteError:
    return EdgerouteError(
        f"edgeroute itself failed: {type(error).__name__}: {error}",
        remedy=f"this is a bug: run it again with {DEBUG}=1 and report what it prints",
        code="internal-error",
    )
