"""`edgeroute completion bash|zsh|fish|tcsh`: a script that completes commands, options, files, devices and converters in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from edgeroute.catalog import Catalog
from edgeroute.cli import shared
from edgeroute.errors import UsageError

PLACES = {
    "bash": "~/.local/share/bash-completion/completions/edgeroute",
    "zsh": "a folder of $fpath, as _edgeroute",
    "fish": "~/.config/fish/completions/edgeroute.fish",
    "tcsh": "~/.tcshrc",
}
"""Shell → where it looks for the script."""
FILES = ("FILE", "FILE|NAME", "SRC", "SRC|FORMAT", "MODEL", "RESULT.json|MODEL_A", "MODEL_B", "DIR|npz|npy", "BUNDLE", "COMPILED")
"""What arguments are called that are completed with files and folders."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(PLACES), help="for which shell")
    parser.epilog = "Write it where the shell looks: " + "; ".join(f"{shell}: {place}" for shell, place in PLACES.items()) + "."


def run(arguments: argparse.Namespace) -> int:
    from edgeroute.cli import main

    try:
        import shtab
    except ImportError as error:
        raise UsageError(
            "completion scripts are written by shtab, which is not installed",
            remedy="pip install 'edgeroute[completion]'",
            code="completion-missing",
        ) from error
    parser = main.build_parser(only=main.EVERY)
    _complete(parser, shared.workshop(arguments).catalog, shtab)
    script = shtab.complete(parser, shell=arguments.shell)
    if arguments.json:
        shared.emit({"shell": arguments.shell, "script": script, "place": PLACES[arguments.shell]})
    else:
        shared.say(script)
    return 0


def _complete(parser: argparse.ArgumentParser, catalog: Catalog, shtab: Any) -> None:
    """Tell every argument what it is completed with: files, or the names that there are now."""
    names: Mapping[str, list[str]] = {
        "TARGET": sorted(catalog.targets),
        "A": sorted({c.name for c in catalog.converters}),
        "A,B": sorted({c.name for c in catalog.converters}),
    }
    for action in _actions(parser):
        metavar = str(action.metavar)
        if metavar in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.dest == "names":
            action.choices = sorted(catalog.environments)
        elif metavar in names:
            action.choices = names[metavar]


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action
