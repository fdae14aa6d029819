"""The program: find the sub-command, import only its module, turn errors into messages and exit codes."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import errno
import gc
import importlib
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from edgeroute import __version__
from edgeroute.errors import EdgerouteError, UsageError

GROUPS = {
    "convert a model": {
        "plan": "show the routes from a model or a format to a device, without running anything",
        "convert": "turn a model into a verified file for a device",
        "finish": "complete a hand-over with the file that a colleague compiled",
    },
    "look at a file": {
        "inspect": "show what a model file holds",
        "check": "hold a file against the rules of a device",
        "verify": "hold a delivered file against what it says about where it comes from, and against its source",
        "blame": "show which steps and layers a loss enters at",
        "device": "try a file on a camera over ssh",
    },
    "know what there is": {
        "list": "list formats, converters or targets",
        "explain": "explain a rule or an error code: why it is there and how to get out of it",
        "plugins": "show which plugins are loaded, broken, shadowed or disabled",
        "plugin": "start a new plugin: write a small distribution that works, with its tests",
    },
    "keep this computer in order": {
        "doctor": "look at this computer: interpreters, environments, vendor tools, plugins",
        "env": "list, build, check or remove the environments that converters run in",
        "cache": "show or clear what earlier conversions left",
        "completion": "print a script that completes commands and options in a shell",
    },
}
COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}
FIRST = "The dry run, and the work:"
EXAMPLES = ("  edgeroute plan model.onnx --to artpec9", "  edgeroute convert model.onnx --to artpec9 --calibrate images/")
LAST = "`edgeroute COMMAND --help` shows a command's options, `edgeroute --version` the version."
EVERY = "*"
"""Stands for all commands."""
DEBUG = "EDGEROUTE_DEBUG"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageErrors that name the nearest word; options are written in full."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        choice = re.search(r"invalid choice: '?([^' ]+)'? \(choose from (.*)\)", message)
        hint = did_you_mean(choice[1], re.findall(r"[\w-]+", choice[2])) if choice else ""
        raise UsageError(message, remedy=f"{hint}`{self.prog} --help` shows how it is written", where=self.prog, code="bad-arguments")

    def unknown(self, rest: Sequence[str]) -> UsageError:
        """Words that mean nothing here, the first option among them with the nearest one that there is."""
        wrong = next((w.partition("=")[0] for w in rest if w.startswith("-")), rest[0])
        hint = did_you_mean(wrong, self._option_string_actions) if wrong.startswith("-") else ""
        what = f"there is no option {wrong}" if wrong.startswith("-") else f"nothing is meant by {' '.join(rest)}"
        return UsageError(what, remedy=f"{hint}`{self.prog} --help` shows all", where=self.prog, code="bad-arguments")


class Program(Parser):
    """The program's own parser: its help groups the commands by what they are for."""

    def format_help(self) -> str:
        width = max(map(len, COMMANDS)) + 4
        columns = max(40, min(shutil.get_terminal_size((100, 24)).columns, 100))
        lines = ["usage: edgeroute COMMAND …", "", *textwrap.wrap(str(self.description), columns), "", FIRST, *EXAMPLES]
        for title, commands in GROUPS.items():
            lines += ["", f"{title.capitalize()}:"]
            for name, text in commands.items():
                lines += textwrap.wrap(text, columns, initial_indent=f"  {name:<{width - 2}}", subsequent_indent=" " * width)
        return "\n".join([*lines, "", *textwrap.wrap(LAST, columns), ""])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question with the nearest word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = _values_with_a_minus(_command_first(list(sys.argv[1:] if arguments is None else arguments)))
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


def _values_with_a_minus(words: list[str]) -> list[str]:
    """`--mean -0.5,0,0.5` means `--mean=-0.5,0,0.5`: no option begins with a digit, but argparse takes such a value for one."""
    kept: list[str] = []
    for word in words:
        if re.match(r"-\.?\d", word) and kept and re.match(r"--[a-z][^=]*$", kept[-1]):
            kept[-1] += f"={word}"
        else:
            kept.append(word)
    return kept


def build_parser(only: str = "") -> Program:
    """The parser; with `only`, a sub-command's own arguments are added (its module is imported then)."""
    parser = Program(
        prog="edgeroute", description="Turns a trained model into the file that a camera's accelerator loads, and proves that it did."
    )
    parser.add_argument("-V", "--version", action="version", version=f"edgeroute {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if only in (name, EVERY):
            _module(name).configure(command)
            common(command)
    return parser


def command_parser(name: str) -> Parser:
    """A command's own parser."""
    whole = build_parser(only=name)
    actions = next(a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
    found: Parser = actions.choices[name]
    return found


def _run(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    name = next((w for w in words if not w.startswith("-")), "")
    if not words:
        build_parser().print_help()
        return 0
    if name and name not in COMMANDS and words[0] == name:
        near = did_you_mean(name, COMMANDS)
        raise UsageError(f"there is no command {name}", remedy=f"{near}`edgeroute --help` shows them all", code="unknown-command")
    with _imports_uncollected():
        parser = build_parser(only=name)
    arguments, rest = parser.parse_known_args(words)
    if rest:
        raise (command_parser(arguments.command) if arguments.command else parser).unknown(rest)
    if not arguments.command:
        raise UsageError("no command was given", remedy="`edgeroute --help` lists them all", code="unknown-command")
    arguments.words = words[words.index(name) + 1 :]
    code: int = _module(name).run(arguments)
    return code


@contextlib.contextmanager
def _imports_uncollected() -> Iterator[None]:
    """Modules make ten thousands of objects that stay: looking through them for garbage would be a tenth of a plan's time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()
            gc.enable()


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
        print(json.dumps({"error": error.as_json(), **error.story}, indent=1))
    where = f"  in {error.where}\n" if error.where else ""
    print(f"edgeroute: {error.message}\n{where}  → {error.remedy}\n  [{error.code}] `edgeroute explain {error.code}`", file=sys.stderr)
    for line in _tried(error.story):
        print(f"  {line}", file=sys.stderr)
    return error.exit_code


def _tried(story: Mapping[str, Any]) -> list[str]:
    """What was tried before it was given up, where that was more than the one thing that the error speaks of."""
    rows = [(str(r.get("converter") or r.get("key")), str(r.get("reason"))) for r in story.get("rejected", ())]
    rows = [(str(c["name"]), str(c["why"])) for c in story.get("candidates", ())] or rows
    lines = [f"- {name}: {why.removeprefix(f'{name}: ').splitlines()[0]}" for name, why in dict.fromkeys(rows) if why]
    return ["What was tried:", *lines] if len(lines) > 1 else []


def _internal(error: Exception) -> EdgerouteError:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        from edgeroute.jobs import disk_full
        from edgeroute.paths import root

        return disk_full(Path(error.filename).parent if isinstance(error.filename, str) else root())
    return EdgerouteError(
        f"edgeroute itself failed: {type(error).__name__}: {error}",
        remedy=f"this is a bug: run it again with {DEBUG}=1 and report what it prints",
        code="internal-error",
    )
