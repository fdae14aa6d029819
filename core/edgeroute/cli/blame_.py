"""`edgeroute blame`: the steps and layers at which a loss enters."""

from __future__ import annotations

import argparse

from edgeroute import api
from edgeroute.cli import shared, words
from edgeroute.runner import shapes


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="RESULT.json|MODEL_A", help="what `convert --json` printed, or the better one of two files")
    parser.add_argument("second", metavar="MODEL_B", nargs="?", default="", help="the file that lost something")
    group = parser.add_argument_group("data")
    group.add_argument(
        "--calibrate", metavar="DIR|npz|npy", help="what to measure on (default: the conversion's own samples, else random data)"
    )
    group.add_argument(
        "--input-shape", action="append", default=[], metavar="[NAME:]1,3,320,320", help="pin an input's shape (may be repeated)"
    )
    words.add_preprocess(group)


def run(arguments: argparse.Namespace) -> int:
    from edgeroute.report.text import render_blame

    answer = api.blame(
        arguments.first, arguments.second or None, calibrate=arguments.calibrate, preprocess=words.preprocess(arguments),
        input_shapes=shapes.parse(arguments.input_shape), workshop=shared.workshop(arguments),
    )  # fmt: skip
    if arguments.json:
        shared.emit(answer)
    else:
        shared.say(render_blame(answer, **shared.look()))
    return 0
