"""`edgeroute plan`: the dry run."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgeroute import api
from edgeroute.cli import shared, words
from edgeroute.runner import shapes
from edgeroute.runner.request import Request, parse_settings
from edgeroute.types import Plan, to_json
from edgeroute.workshop import Workshop


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC|FORMAT", help="a model file, or the name of a format")
    parser.add_argument("--to", required=True, metavar="TARGET", help="the device (`edgeroute list targets`)")
    parser.add_argument("-k", type=int, default=3, metavar="N", help="how many routes (default 3)")
    parser.add_argument("--via", metavar="A,B", default="", help="converters that must be taken, in this order")
    parser.add_argument("--avoid", metavar="A", default="", help="converters that must not be taken")
    parser.add_argument("--set", action="append", default=[], metavar="CONVERTER.OPTION=VALUE", help="an option of a converter")
    parser.add_argument(
        "--input-shape", action="append", default=[], metavar="[NAME:]1,3,320,320", help="pin an input's shape (may be repeated)"
    )
    words.add_words(parser)
    words.add_preprocess(parser.add_argument_group("preprocessing, as for convert: where it has to be folded in, the plan shows that step"))
    parser.add_argument("--mermaid", action="store_true", help="print the graph with its routes as a Mermaid drawing")
    parser.add_argument("--dot", action="store_true", help="print it for Graphviz")
    parser.add_argument("--html", metavar="FILE", help="write it as an interactive page that needs no network")
    parser.add_argument(
        "--save", metavar="FILE", help="write the best route down; `edgeroute convert --plan FILE` takes exactly that route"
    )


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    asked = Request(
        via=words.names(arguments.via),
        avoid=words.names(arguments.avoid),
        options=parse_settings(arguments.set),
        preprocess=words.preprocess(arguments),
        input_shapes=shapes.parse(arguments.input_shape),
        trust_pickle=arguments.trust_pickle,
        model_factory=arguments.model,
        signature=arguments.signature,
    )
    answer = api.plan(
        arguments.source, arguments.to, k=max(1, arguments.k), via=asked.via, avoid=asked.avoid, options=asked.options,
        preprocess=asked.preprocess, input_shapes=asked.input_shapes, trust_pickle=asked.trust_pickle, model=asked.model_factory,
        signature=asked.signature, workshop=shop,
    )  # fmt: skip
    states = environment_states(shop, answer)
    _write(arguments, shop, answer, states, asked)
    if arguments.json:
        shared.emit({**to_json(answer), "environments": states})
    elif arguments.mermaid:
        from edgeroute.report import mermaid

        shared.say(mermaid(answer, shop.catalog))
    elif arguments.dot:
        from edgeroute.report import dot

        shared.say(dot(answer, shop.catalog))
    else:
        from edgeroute.report.text import render_plan

        shared.say(render_plan(answer, states, **shared.look()))
    return 0


def _write(arguments: argparse.Namespace, shop: Workshop, plan: Plan, states: dict[str, str], asked: Request) -> None:
    """The page and the saved plan, where they were asked for."""
    if arguments.html:
        from edgeroute.report import plan_page
        from edgeroute.report.files import write_text

        write_text(Path(arguments.html), plan_page(plan, shop.catalog, states))
    if arguments.save:
        from edgeroute import replay
        from edgeroute.recognize import recognize

        is_file = arguments.source not in shop.catalog.formats or Path(arguments.source).exists()
        artifact = recognize(Path(arguments.source), shop.plugins, shop.catalog) if is_file else None
        replay.save(shop, plan, Path(arguments.save), artifact, asked)


def environment_states(shop: Workshop, plan: Plan) -> dict[str, str]:
    """Environment → what it would take to run in it, for the environments of the routes."""
    names = sorted({c.environment for route in plan.routes for c in route.converters if c.environment})
    return {name: _state(shop, name) for name in names}


def _state(shop: Workshop, name: str) -> str:
    state = shop.environments.state(name)
    size = f", about {state.megabytes} MB" if state.status == "to-build" and state.megabytes else ""
    return f"{state.status}{size}"
