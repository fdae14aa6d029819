"""`edgeroute explain CODE`: a device's rule, or an error of edgeroute's own."""

from __future__ import annotations

import argparse

from edgeroute import rules
from edgeroute.cli import shared
from edgeroute.explain import all_codes, explain_error
from edgeroute.types import Json


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", help="a rule (A9-012, TFL-007) or an error code (shape-open)")


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    known = rules.all_rules(shop.catalog.targets.values())
    answer: Json = None if arguments.code.upper() in known else explain_error(arguments.code.lower(), shop.catalog)
    if answer is None:
        answer = dict(rules.explain(arguments.code, shop.catalog.targets.values(), all_codes(shop.catalog)))
    if arguments.json:
        shared.emit(answer)
    else:
        shared.say("\n".join(_lines(answer)))
    return 0


def _lines(answer: Json) -> list[str]:
    head = f"{answer['code']}: {answer.get('title', '')}"
    rest = [
        shared.wrap(f"{name.replace('_', ' ')}: {_text(value)}", "  ")
        for name, value in answer.items()
        if name not in ("code", "title") and value
    ]
    return [shared.wrap(head), "", *rest]


def _text(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
