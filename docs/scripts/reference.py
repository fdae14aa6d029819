"""Writes docs/reference and the drawing of the graph from the code: `python -m docs.scripts.reference`."""

from __future__ import annotations

from pathlib import Path

from docs.scripts import codepage, commands, declared, flow, graph, nouns
from edgeroute.catalog import Catalog, build
from edgeroute.plugins import Plugins, discover

DOCS = Path(__file__).parents[1]


def catalog() -> Catalog:
    """What the built-in plugins declare, whatever else is installed."""
    found = discover(disabled=())
    return build(Plugins([p for p in found.all if p.module is not None and p.module.__name__.startswith("edgeroute_plugins.")]))


def pages() -> dict[Path, str]:
    """Every generated file."""
    known = catalog()
    texts = {
        "reference/command-line.md": commands.command_line(),
        "reference/exit-codes.md": commands.exit_codes(),
        "reference/converters.md": declared.converters(known),
        "reference/formats.md": declared.formats(known),
        "reference/environments.md": declared.environments(known),
        "reference/hooks.md": nouns.hooks(),
        "reference/python.md": nouns.python_api(),
        "reference/json.md": nouns.json_output(),
        "reference/errors.md": codepage.error_codes(),
        "pictures/graph.svg": graph.picture(known),
        "pictures/flow.svg": flow.picture(),
    }
    return {DOCS / name: text for name, text in texts.items()}


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
