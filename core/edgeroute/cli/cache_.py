"""`edgeroute cache info|clear`."""

from __future__ import annotations

import argparse

from edgeroute.cache import Cache, CacheInfo
from edgeroute.cli import shared
from edgeroute.paths import root
from edgeroute.types import Json


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("info", "clear"), help="show what is kept, or remove it (environments stay)")
    parser.add_argument("--older-than", type=float, default=0.0, metavar="DAYS", help="clear only what was not used for so many days")


def run(arguments: argparse.Namespace) -> int:
    cache = Cache(root())
    info = cache.info() if arguments.action == "info" else cache.clear(arguments.older_than)
    if arguments.json:
        shared.emit(_as_json(info, arguments.action))
        return 0
    verb = "kept" if arguments.action == "info" else "removed"
    rows = [(kind, str(count), f"{info.bytes[kind] / 1e6:.1f} MB") for kind, count in info.entries.items()]
    shared.say(f"{verb} in {info.folder}")
    shared.say(shared.table(rows, ("kind", "entries", "size")))
    return 0


def _as_json(info: CacheInfo, action: str) -> Json:
    return {
        "action": action,
        "folder": str(info.folder),
        "entries": dict(info.entries),
        "bytes": dict(info.bytes),
        "total_bytes": sum(info.bytes.values()),
    }
