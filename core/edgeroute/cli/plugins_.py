"""`edgeroute plugins`: loaded, broken, shadowed, disabled."""

from __future__ import annotations

import argparse

from edgeroute.cli import shared
from edgeroute.plugins import Plugin
from edgeroute.types import Json
from edgeroute.workshop import Workshop


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    if arguments.json:
        shared.emit([describe(shop, p) for p in shop.plugins.all])
    else:
        rows = [(p.name, p.status, p.origin, p.reason or _by_kind(_offers(shop, p)) or "-") for p in shop.plugins.all]
        shared.say(shared.table(rows, ("plugin", "status", "from", "what it adds, or why not")))
    return 0


def describe(workshop: Workshop, plugin: Plugin) -> Json:
    return {
        "name": plugin.name,
        "status": plugin.status,
        "origin": plugin.origin,
        "reason": plugin.reason,
        "adds": _offers(workshop, plugin),
    }


def _by_kind(offers: list[str]) -> str:
    """`converter:a`, `converter:b`, `target:c` → `converters a, b; target c`."""
    names: dict[str, list[str]] = {}
    for offer in offers:
        kind, _, name = offer.partition(":")
        names.setdefault(kind, []).append(name)
    return "; ".join(f"{kind}{'s' if len(known) > 1 else ''} {', '.join(known)}" for kind, known in names.items())


def _offers(workshop: Workshop, plugin: Plugin) -> list[str]:
    return sorted(name for name, owner in workshop.catalog.owners.items() if owner == plugin.name)
