"""`edgeroute plugin new NAME`: a small, working, tested distribution to start from."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgeroute import scaffold
from edgeroute.cli import shared


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("new",), help="write a new one")
    parser.add_argument("name", metavar="NAME", help="what it is called: NAME gives the distribution edgeroute-NAME")
    parser.add_argument("--out", metavar="DIR", default=".", help="where its folder goes (default: here)")


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    place = scaffold.create(arguments.name, Path(arguments.out), shop.catalog)
    name = place.name.removeprefix("edgeroute-")
    following = [
        f"pip install -e {place}",
        "edgeroute plugins",
        f"edgeroute plan onnx --to {name}-board",
        f"python -m pytest {place}    # needs pytest",
    ]
    if arguments.json:
        files = sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())
        shared.emit({"folder": str(place), "name": place.name, "files": files, "next": following})
    else:
        shared.say("\n".join([f"{place} is there; now:", "", *(f"  {line}" for line in following)]))
    return 0
