"""`edgeroute doctor`: what this computer has, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import platform
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgeroute import __version__
from edgeroute.cli import shared
from edgeroute.cli.plugins_ import describe
from edgeroute.tools import ToolState, find_tool, tool_version
from edgeroute.types import Json, Tool, to_json
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
        "tools": list(_tools(workshop)),
        "plugins": [describe(workshop, p) for p in workshop.plugins.all],
        "problems": [{"what": f"{s.name}: {s.reason or s.status}", "remedy": s.remedy} for s in states if s.closed]
        + [
            {"what": f"plugin {p.name} is {p.status}: {p.reason}", "remedy": "mend or disable it"}
            for p in workshop.plugins.all
            if p.status == "broken"
        ],
    }


def _tools(workshop: Workshop) -> Iterator[dict[str, Json]]:
    """The vendors' tools that are here: how each was found, where, and what it says of its version. A container is not started for that."""
    for tool in workshop.catalog.environments.values():
        state = find_tool(tool, workshop.environments.environ) if isinstance(tool, Tool) else None
        if state is None or not state.found:
            continue
        with tempfile.TemporaryDirectory() as folder:
            version = tool_version(state, Path(folder)) if state.how != "docker" else ""
        yield {"name": state.name, "how": state.how, "where": _where(state), "version": version}


def _where(state: ToolState) -> str:
    """The file, image or command that was found; of an environment script the script."""
    return state.image or (state.command[-2] if state.how == "script" else shlex.join(state.command))


HOW = {"path": "on PATH:", "variable": "by its variable:", "script": "after its script", "docker": "in the image"}


def _told(environment: dict[str, Json], tools: dict[str, dict[str, Json]]) -> str:
    """The command that builds it, or where a tool was found."""
    tool = tools.get(str(environment["name"]))
    if tool is not None:
        return f"{HOW[tool['how']]} {tool['where']}" + (f" ({tool['version']})" if tool["version"] else "")
    return str(environment["remedy"]) if environment["status"] == "to-build" else ""


def _render(report: dict[str, Json]) -> str:
    tools = {t["name"]: t for t in report["tools"]}
    lines = [
        f"edgeroute {report['edgeroute']} on Python {report['python']['version']} ({report['platform']})",
        f"home: {report['home']['path']}, {report['home']['free_gb']} GB free",
        "",
        shared.table([(str(i["version"]), str(i["path"])) for i in report["interpreters"]], ("interpreter", "where")),
        "",
        shared.table(
            [(e["name"], e["status"], _told(e, tools)) for e in report["environments"]],
            ("environment or tool", "status", "what builds it before a conversion does, or where it was found"),
        ),
        "",
    ]
    problems = [
        "\n".join([shared.wrap(f"✗ {p['what']}", "  "), shared.wrap(f"  → {p['remedy']}", "    ")]) for p in report["problems"]
    ]  # fmt: skip
    return "\n".join([*lines, *(problems or ["nothing is missing"])])
