"""`edgeroute verify`: is this file the one that was verified, and does it come from that model?"""

from __future__ import annotations

import argparse

from edgeroute import api
from edgeroute.cli import shared, words
from edgeroute.errors import VerificationFailed
from edgeroute.runner.request import parse_thresholds


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file that `edgeroute convert` wrote")
    parser.add_argument("--source", metavar="MODEL", help="the model that it should come from: compared by digest, and measured against")
    parser.add_argument("--calibrate", metavar="DIR|npz|npy", help="what to measure on (default: random data)")
    words.add_thresholds(parser.add_argument_group("trust"))
    words.add_preprocess(parser.add_argument_group("preprocessing, where it is not the one that the file tells"))


def run(arguments: argparse.Namespace) -> int:
    from edgeroute.report.text import render_audit

    shop = shared.workshop(arguments)
    answer = api.verify(
        arguments.file, source=arguments.source, calibrate=arguments.calibrate, preprocess=words.preprocess(arguments),
        thresholds=parse_thresholds(arguments.threshold, arguments.min_sqnr), workshop=shop,
    )  # fmt: skip
    if arguments.json:
        shared.emit(answer)
    else:
        shared.say(render_audit(answer, **shared.look()))
    return 0 if answer.ok else VerificationFailed.exit_code
