"""`edgeroute check`: hold a file against the rules of a device."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgeroute import api
from edgeroute.cli import shared, words
from edgeroute.errors import CheckFailed
from edgeroute.types import to_json


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the file")
    parser.add_argument("--to", required=True, metavar="TARGET", help="the device (`edgeroute list targets`)")
    parser.add_argument(
        "--runtime",
        metavar="NAME=VERSION",
        action="append",
        default=[],
        help="narrow the device to a runtime (tflite=2.3.1) or a named profile",
    )
    parser.add_argument("--certificate", action="store_true", help="print only the int8 certificate")
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html (with a picture of the graph), .md or .json")
    parser.add_argument("--no-run", action="store_true", help="do not load and run the file in a child process")
    words.add_preprocess(parser.add_argument_group("preprocessing that the network was trained with"))


def run(arguments: argparse.Namespace) -> int:
    from edgeroute.report.text import render_certificate, render_validation

    if arguments.report:
        from edgeroute.report.files import must_be_report, write_check

        must_be_report(Path(arguments.report))
    shop = shared.workshop(arguments)
    report = api.check(
        arguments.model, arguments.to, runtime=words.runtime(arguments.runtime), preprocess=words.preprocess(arguments),
        execute=not arguments.no_run, workshop=shop,
    )  # fmt: skip
    if arguments.report:
        write_check(report, Path(arguments.report))
    if arguments.json:
        shared.emit(to_json(report.certificate) if arguments.certificate else {"ok": report.ok, **to_json(report)})
    else:
        look = shared.look()
        shared.say(render_certificate(report.certificate, **look) if arguments.certificate else render_validation(report, **look))
    return 0 if report.ok else CheckFailed.exit_code
