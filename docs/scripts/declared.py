"""The pages of what plugins declare: converters with their options, formats, environments and tools."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from docs.scripts.markdown import code, grid, page, upper
from edgeroute.catalog import Catalog
from edgeroute.types import Converter, Environment, Format, Tool

FILLS = {
    "calibration": "`--calibrate`",
    "input_shapes": "`--input-shape`",
    "preprocess": "`--preprocess` and its kin",
    "trust": "`--trust-pickle`",
    "model_factory": "`--model`",
    "signature": "`--signature`",
    "input_range": "the preprocessing",
}


def converters(catalog: Catalog) -> str:
    """Every converter: its edges, where it runs, what can be set."""
    by_name = {
        name: list(edges) for name, edges in groupby(sorted(catalog.converters, key=lambda c: (c.name, c.key)), key=lambda c: c.name)
    }
    return page(
        "Converters",
        "Every edge of the graph. Set an option with `--set CONVERTER.OPTION=VALUE`, take a converter with `--via`, leave it out with "
        "`--avoid`. *Cost* is what the planner adds up: ten times the risk, twice the loss, and the minutes; see "
        "[How the planner decides](../explanation/how-the-planner-decides.md).\n",
        *(_converter(name, edges) for name, edges in by_name.items()),
    )


def _converter(name: str, edges: Sequence[Converter]) -> str:
    titles = list(dict.fromkeys(c.title for c in edges if c.title and c.title != name))
    parts = [f"## {name}\n", f"{upper('; '.join(titles))}.\n" if titles else ""]
    if all(c.on_request for c in edges):
        parts.append(f"Taken on request only: `--via {name}`, or a search.\n")
    parts.append(grid(("from", "to", "risk", "loss", "seconds", "cost", "runs in", "needs"), map(_edge, edges)))
    for names, options in _options(edges):
        head = "**Options**" if names is None else f"**Options** of {names}"
        parts += [f"\n{head}\n", grid(("option", "meaning", "values", "default", "filled by"), options)]
    codes = list(dict.fromkeys(s.code for c in edges for s in c.symptoms))
    if codes:
        parts.append("\nKnown failures: " + ", ".join(f"[`{c}`](errors.md#{c})" for c in codes) + ".\n")
    return "\n".join(p for p in parts if p)


def _edge(c: Converter) -> tuple[object, ...]:
    cost = c.cost
    number = f"{cost.total:.2f}"
    return (
        code(c.source),
        code(c.target),
        f"{cost.risk:g}",
        f"{cost.loss:g}",
        f"{cost.seconds:g}",
        number,
        _place(c.environment),
        _place(c.tool),
    )


def _place(name: str) -> str:
    return f"[`{name}`](environments.md#{name})" if name else ""


def _options(edges: Sequence[Converter]) -> Iterable[tuple[str | None, list[tuple[object, ...]]]]:
    """Options once where all edges share their class."""
    classes = list(dict.fromkeys(c.options for c in edges))
    for kind in classes:
        rows = [_option(f) for f in dataclasses.fields(kind)]
        mine = ", ".join(f"`{c.source} → {c.target}`" for c in edges if c.options is kind)
        if rows:
            yield (None if len(classes) == 1 else mine), rows


def _option(item: dataclasses.Field[object]) -> tuple[object, ...]:
    meta = item.metadata
    default = item.default if item.default is not dataclasses.MISSING else ""
    plain = isinstance(default, (bool, int, float, str)) and default != ""
    shown = code(str(default).lower() if isinstance(default, bool) else default) if plain else ""
    values = ", ".join(f"`{c}`" for c in meta.get("choices", ())) or _kind(str(item.type))
    return code(item.name), meta.get("help", ""), values, shown, FILLS.get(meta.get("fill", ""), meta.get("fill", ""))


def _kind(hint: str) -> str:
    """A type hint in a reader's words."""
    words = {"bool": "true or false", "int": "whole number", "float": "number", "str": "text"}
    if hint in words:
        return words[hint]
    if re.match(r"(tuple|Sequence)\[str", hint):
        return "names with commas"
    return "" if re.match(r"(Mapping|Calibration|Preprocess|tuple)", hint) else hint


def formats(catalog: Catalog) -> str:
    """Every node of the graph."""
    rows = [_format(f, catalog) for f in sorted(catalog.formats.values(), key=lambda f: f.name)]
    return page(
        "Formats",
        "The nodes of the graph. Distinctions are nodes, not flags. A format that is a *special case* of another is taken wherever that one "
        "is. Files are recognized by their content; the suffix plays no part.\n",
        grid(("format", "what it is", "suffix", "special case of", "precision", "shapes pinned", "executed by", "loaded by"), rows),
        "\n![The graph of formats, converters and devices](../pictures/graph.svg)\n",
    )


def _format(f: Format, catalog: Catalog) -> tuple[object, ...]:
    runner = catalog.runner(f.name)
    devices = ", ".join(f"`{t.name}`" for t in sorted(catalog.targets.values(), key=lambda t: t.name) if f.name in t.accepts)
    return (
        code(f.name),
        f.title,
        code(f.suffix),
        code(f.is_a),
        f.precision,
        "yes" if f.static else "",
        code(runner.name if runner else ""),
        devices,
    )


def environments(catalog: Catalog) -> str:
    """Every environment with its pins, and every tool."""
    declared = sorted(catalog.environments.values(), key=lambda e: e.name)
    tools = [e for e in declared if isinstance(e, Tool)]
    return page(
        "Environments",
        "A converter runs in the caller's own interpreter where that meets what the environment *accepts*, else in a virtual environment "
        "that is built on first use, once, from the pins. `edgeroute env list` shows how things stand, `edgeroute env build NAME` builds "
        "beforehand. Why they are apart: [Processes and environments](../explanation/processes-and-environments.md).\n",
        *(_environment(e, catalog) for e in declared if isinstance(e, Environment)),
        "## Tools\n\nExecutables that edgeroute must not bundle: looked for in their environment variable, then on PATH.\n",
        *(_tool(t, catalog) for t in tools),
        "" if tools else "None of the loaded plugins declares one.\n",
    )


def _environment(e: Environment, catalog: Catalog) -> str:
    users = sorted(
        {c.name for c in catalog.converters if c.environment == e.name} | {r.name for r in catalog.runners if r.environment == e.name}
    )
    rows = [
        ("used by", ", ".join(code(u) for u in users)),
        ("Python", code(e.python)),
        ("installs", ", ".join(code(r) for r in e.requirements)),
        ("installs without their dependencies", ", ".join(code(r) for r in e.no_deps)),
        ("accepts in the caller's interpreter", ", ".join(code(r) for r in e.accepts)),
        ("comes from", e.source),
        ("size on disk", f"about {e.megabytes} MB" if e.megabytes else ""),
    ]
    return f"## {e.name}\n\n" + grid(("", ""), [r for r in rows if r[1]])


def _tool(t: Tool, catalog: Catalog) -> str:
    users = sorted({c.name for c in catalog.converters if c.tool == t.name})
    rows = [
        ("used by", ", ".join(code(u) for u in users)),
        ("looked for as", ", ".join(code(x) for x in t.executables)),
        ("environment variable", code(t.variable)),
        ("how to get it", t.remedy),
    ]
    return f"### {t.name}\n\n" + grid(("", ""), [r for r in rows if r[1]])
