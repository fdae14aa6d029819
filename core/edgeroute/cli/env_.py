"""`edgeroute env list|build|check|remove`."""

from __future__ import annotations

import argparse

from edgeroute.cli import shared
from edgeroute.environments import EnvironmentState
from edgeroute.errors import EnvironmentFailed, UsageError
from edgeroute.types import Environment, Json, to_json
from edgeroute.workshop import Workshop


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "build", "check", "remove"), help="what to do")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (build, check and remove; `all` for every one)")


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    if arguments.action == "list":
        return _list(arguments, shop)
    names = _names(arguments, shop)
    answers: list[Json] = [_ACTIONS[arguments.action](shop, name) for name in names]
    bad = [a for a in answers if not a["ok"]]
    if arguments.json:
        shared.emit({"action": arguments.action, "environments": answers})
    else:
        shared.say("\n".join(f"{a['name']}: {a['text']}" for a in answers))
    return EnvironmentFailed.exit_code if bad else 0


def _names(arguments: argparse.Namespace, shop: Workshop) -> list[str]:
    known = sorted(e.name for e in shop.catalog.environments.values() if isinstance(e, Environment))
    if arguments.names == ["all"]:
        return known
    if not arguments.names:
        raise UsageError(f"env {arguments.action} needs a name", remedy=f"one or more of: {', '.join(known)}, or all", code="bad-arguments")
    return list(arguments.names)


def _build(shop: Workshop, name: str) -> Json:
    ready = shop.environments.ensure(name, shop.progress)
    return {"name": name, "ok": True, "text": f"ready ({ready.python})", "python": str(ready.python), "digest": ready.digest}


def _check(shop: Workshop, name: str) -> Json:
    findings = shop.environments.check(name)
    text = "; ".join(f"{f.message} → {f.remedy}" for f in findings) or "sound"
    return {"name": name, "ok": not findings, "text": text, "findings": to_json(findings)}


def _remove(shop: Workshop, name: str) -> Json:
    freed = shop.environments.remove(name)
    return {"name": name, "ok": True, "text": f"removed, {freed} MB freed", "freed_mb": freed}


_ACTIONS = {"build": _build, "check": _check, "remove": _remove}


def _list(arguments: argparse.Namespace, shop: Workshop) -> int:
    states = shop.environments.list()
    if arguments.json:
        shared.emit(states)
    else:
        shared.say(
            shared.table(
                [(s.name, s.status, _size(s), s.remedy or str(s.folder or s.python or "")) for s in states],
                ("environment", "status", "size", "where, or what to type"),
            )
        )
    return 0


def _size(state: EnvironmentState) -> str:
    if not state.megabytes:
        return "-"
    return f"{state.megabytes} MB" if state.status == "ready" else f"~{state.megabytes} MB"
