"""`edgeroute convert`: turn a model into a verified file for a device."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from edgeroute.cli import several, shared, words
from edgeroute.errors import HANDED_OVER, UsageError
from edgeroute.runner import shapes
from edgeroute.runner.request import Request, parse_settings, parse_thresholds
from edgeroute.types import Limits


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC", nargs="*", help="the model: a file or a SavedModel folder; or several")
    parser.add_argument("--to", metavar="TARGET", help="the device (`edgeroute list targets`); several with commas")
    parser.add_argument("--out", metavar="FILE", help="where the result goes (default: <name>.<target>.<suffix> in this folder)")
    several.configure(parser)
    _data(parser)
    _route(parser)
    _trust(parser)
    parser.add_argument("--c-header", metavar="FILE", help="also write a C header with the sidecar's numbers")
    parser.add_argument(
        "--require-complete", action="store_true", help="refuse before any work where a colleague would have to run the last step"
    )
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html, .md or .json")


def _data(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    group.add_argument("--calibrate", metavar="DIR|npz|npy", help="images, or arrays of the model's own inputs (first axis = samples)")
    group.add_argument(
        "--input-shape", action="append", default=[], metavar="[NAME:]1,3,320,320", help="pin an input's shape (may be repeated)"
    )
    words.add_preprocess(group)


def _route(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("route")
    group.add_argument("--via", metavar="A,B", default="", help="converters that must be taken, in this order")
    group.add_argument("--avoid", metavar="A", default="", help="converters that must not be taken")
    group.add_argument(
        "--set", action="append", default=[], metavar="CONVERTER.OPTION=VALUE", help="an option of a converter (may be repeated)"
    )
    group.add_argument(
        "--runtime",
        metavar="NAME=VERSION",
        action="append",
        default=[],
        help="narrow the device to a runtime (tflite=2.3.1) or a named profile",
    )
    group.add_argument("--time-limit", type=shared.duration, default=3600.0, metavar="SECONDS", help="for each step (default 3600)")
    group.add_argument("--memory-limit", type=shared.megabytes, default=0, metavar="MB", help="for each step (default: none)")


def _trust(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("trust")
    words.add_thresholds(group)
    group.add_argument(
        "--effort",
        choices=("fast", "auto", "balanced", "max"),
        default="auto",
        help="fast: the plain route; auto: that, and where int8 loses too much, up to three prepared ones (not where --via names a quantizer or a preparation); balanced, max: more",
    )
    group.add_argument(
        "--metric",
        metavar="PACKAGE.MODULE:FUNCTION",
        default="",
        help="your own measure of a result: function(path) -> number, larger is better",
    )
    group.add_argument("--allow-degraded", action="store_true", help="let a result pass that breaks a threshold, with status degraded")
    group.add_argument(
        "--attribution", action="store_true", help="tell which layers the int8 loss enters at (with --report this is always done)"
    )
    group.add_argument("--check-determinism", action="store_true", help="run every step twice, and tell which ones give other bytes")
    group.add_argument(
        "--bisect", type=float, default=0.0, metavar="SECONDS", help="where a step fails, look for the smallest part of the model that does"
    )
    words.add_words(group)


def run(arguments: argparse.Namespace) -> int:
    from edgeroute.report.text import render_result
    from edgeroute.runner.convert import convert

    if not arguments.plan and several.asked(arguments):
        return several.run(arguments)
    if not arguments.plan and not arguments.to:
        raise UsageError("nothing says for which device", remedy="add --to TARGET (`edgeroute list targets`)", code="bad-arguments")
    if arguments.report:
        from edgeroute.report.files import must_be_report, write_report

        must_be_report(Path(arguments.report))
    shop = shared.workshop(arguments)
    if arguments.plan:
        result = several.replayed(shop, arguments)
    else:
        result = convert(shop, Path(arguments.source[0]), arguments.to, request(arguments))
    if arguments.report:
        write_report(result, Path(arguments.report), shop.catalog)
        result = dataclasses.replace(result, details={**result.details, "report": arguments.report})
    if arguments.json:
        shared.emit(result)
    else:
        shared.say(render_result(result, **shared.look()))
    return HANDED_OVER if result.status == "handed-over" else 0


def parser() -> argparse.ArgumentParser:
    """The command's own parser, for words that come from a config file."""
    from edgeroute.cli.main import Parser, common

    answer = Parser(prog="edgeroute convert")
    configure(answer)
    common(answer)
    return answer


def request(arguments: argparse.Namespace) -> Request:
    """The command line as a Request."""
    return Request(
        out=_place(arguments.out) if arguments.out else None,
        calibrate=Path(arguments.calibrate) if arguments.calibrate else None,
        preprocess=words.preprocess(arguments),
        input_shapes=shapes.parse(arguments.input_shape),
        via=words.names(arguments.via),
        avoid=words.names(arguments.avoid),
        options=parse_settings(arguments.set),
        thresholds=parse_thresholds(arguments.threshold, arguments.min_sqnr),
        allow_degraded=arguments.allow_degraded,
        effort=arguments.effort,
        metric=arguments.metric,
        trust_pickle=arguments.trust_pickle,
        model_factory=arguments.model,
        signature=arguments.signature,
        limits=Limits(arguments.time_limit, arguments.memory_limit),
        runtime=words.runtime(arguments.runtime),
        require_complete=arguments.require_complete,
        c_header=Path(arguments.c_header) if arguments.c_header else None,
        check_determinism=arguments.check_determinism,
        attribution=arguments.attribution or bool(arguments.report),
        bisect=arguments.bisect,
    )


def _place(text: str) -> Path:
    """A path; a folder that is not there yet, told by the slash at its end, is made: a Path would forget the slash."""
    place = Path(text)
    if text.endswith("/") and not place.exists() and place.parent.is_dir():
        place.mkdir()
    return place
