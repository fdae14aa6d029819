"""`edgeroute doctor`: what this computer has, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys

from edgeroute import __version__
from edgeroute.cli import shared
from edgeroute.cli.plugins_ import describe
from edgeroute.types import Json, to_json
from edgeroute.workshop import Workshop


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    report = examine(shop)
    if arguments.json:
        shared.emit(report)
    else:
        shared.say(_render(report))
    return 0


def examine(workshop: Workshop) -> dict[str, Json]:
    """Everything that decides which routes are open here."""
    states = workshop.environments.list()
    home = workshop.cache.root
    place = next(p for p in (home, *home.parents) if p.exists())
    return {
        "edgeroute": __version__,
        "python": {"version": platform.python_version(), "path": sys.executable},
        "platform": platform.platform(),
        "home": {"path": str(home), "free_gb": round(shutil.disk_usage(place).free / 1e9, 1)},
        "interpreters": to_json(workshop.environments.interpreters.all()),
        "environments": to_json(states),
        "plugins": [describe(workshop, p) for p in workshop.plugins.all],
        "problems": [{"what": f"{s.name}: {s.reason or s.status}", "remedy": s.remedy} for s in states if s.closed]
        + [
            {"what": f"plugin {p.name} is {p.status}: {p.reason}", "remedy": "mend or disable it"}
            for p in workshop.plugins.all
            if p.status == "broken"
        ],
    }


def _render(report: dict[str, Json]) -> str:
    lines = [
        f"edgeroute {report['edgeroute']} on Python {report['python']['version']} ({report['platform']})",
        f"home: {report['home']['path']}, {report['home']['free_gb']} GB free",
        "",
        shared.table([(str(i["version"]), str(i["path"])) for i in report["interpreters"]], ("interpreter", "where")),
        "",
        shared.table(
            [(e["name"], e["status"], e["remedy"] if e["status"] == "to-build" else "") for e in report["environments"]],
            ("environment or tool", "status", "what builds it, before a conversion does"),
        ),
        "",
    ]
    problems = [
        "\n".join([shared.wrap(f"✗ {p['what']}", "  "), shared.wrap(f"  → {p['remedy']}", "    ")]) for p in report["problems"]
    ]  # fmt: skip
    return "\n".join([*lines, *(problems or ["nothing is missing"])])
