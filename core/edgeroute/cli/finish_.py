"""`edgeroute finish`: a colleague's compiled file completes a hand-over."""

from __future__ import annotations

import argparse

from edgeroute import api
from edgeroute.cli import shared, words


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE", help="the folder that `edgeroute convert` wrote, NAME.handover")
    parser.add_argument(
        "compiled", metavar="COMPILED", help="the file that the vendor's tool made of it (of several, the first; the others lie beside it)"
    )
    parser.add_argument("--out", metavar="FILE", help="where the result goes (default: the name that the conversion chose, in this folder)")
    parser.add_argument("--c-header", metavar="FILE", help="also write a C header with the sidecar's numbers")
    parser.add_argument(
        "--runtime",
        metavar="NAME=VERSION",
        action="append",
        default=[],
        help="narrow the device to a runtime (edgetpu=13) or a named profile",
    )
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html, .md or .json")


def run(arguments: argparse.Namespace) -> int:
    from edgeroute.report.text import render_result

    shop = shared.workshop(arguments)
    result = api.finish(
        arguments.bundle, arguments.compiled, out=arguments.out, runtime=words.runtime(arguments.runtime), c_header=arguments.c_header,
        workshop=shop,
    )  # fmt: skip
    if arguments.report:
        from pathlib import Path

        from edgeroute.report.files import write_report

        write_report(result, Path(arguments.report), shop.catalog)
    if arguments.json:
        shared.emit(result)
    else:
        shared.say(render_result(result, **shared.look()))
    return 0
