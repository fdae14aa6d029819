"""Results → text, Markdown, HTML, JSON.

A noun's JSON becomes a `blocks.Document` once; `terminal`, `markdown` and `html` show it. Standard library only, and each
function here imports what it needs when it is called, so that a command pays for its own report only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeroute.catalog import Catalog


def write(result: object, path: Path, catalog: Catalog | None = None) -> Path:
    """A conversion's report in a file: .html, .md or .json."""
    from edgeroute.report.files import write_report

    return write_report(result, path, catalog)


def mermaid(plan: object, catalog: Catalog) -> str:
    """A plan over the graph, as a Mermaid flowchart."""
    from edgeroute.report.graph import graph_json
    from edgeroute.report.routes import plan_mermaid

    return plan_mermaid(plan, graph_json(catalog))


def dot(plan: object, catalog: Catalog) -> str:
    """A plan over the graph, for Graphviz."""
    from edgeroute.report.graph import graph_json
    from edgeroute.report.routes import plan_dot

    return plan_dot(plan, graph_json(catalog))


def plan_page(plan: object, catalog: Catalog, environments: Mapping[str, str] | None = None) -> str:
    """A plan over the graph, as an interactive page that needs no network."""
    from edgeroute.report.graph import graph_json
    from edgeroute.report.routes import plan_html

    return plan_html(plan, graph_json(catalog), environments)
