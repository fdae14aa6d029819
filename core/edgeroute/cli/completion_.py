"""`edgeroute completion bash|zsh`: a script that completes commands and options in a shell."""

from __future__ import annotations

import argparse

from edgeroute.cli import shared
from edgeroute.errors import UsageError

SHELLS = ("bash", "zsh", "tcsh")
PLACES = {
    "bash": "~/.local/share/bash-completion/completions/edgeroute",
    "zsh": "a folder of $fpath, as _edgeroute",
    "tcsh": "~/.tcshrc",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="for which shell")
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
    script = shtab.complete(main.build_parser(only=main.EVERY), shell=arguments.shell)
    if arguments.json:
        shared.emit({"shell": arguments.shell, "script": script, "place": PLACES[arguments.shell]})
    else:
        shared.say(script)
    return 0
