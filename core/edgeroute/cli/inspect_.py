"""`edgeroute inspect`: what a model file holds."""

from __future__ import annotations

import argparse

from edgeroute import api
from edgeroute.cli import shared


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the file or SavedModel folder")


def run(arguments: argparse.Namespace) -> int:
    from edgeroute.report.text import render_inspect

    artifact = api.inspect(arguments.model, workshop=shared.workshop(arguments))
    if arguments.json:
        shared.emit(artifact)
    else:
        shared.say(render_inspect(artifact, **shared.look()))
    return 0
