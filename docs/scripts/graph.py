"""The graph of formats, converters and devices as a picture that stands by itself."""

from __future__ import annotations

import re

from edgeroute.catalog import Catalog
from edgeroute.report.drawing import graph_svg
from edgeroute.report.graph import graph_json

STYLE = """<style>
svg{background:#fff;font:12px ui-monospace,monospace}
rect,path.box{fill:#f4f6f8;stroke:#8a97a6}
.format rect{fill:#e8f1fb;stroke:#4a78a8}
.target rect{fill:#e9f5ea;stroke:#4d8a52}
.wires path{fill:none;stroke:#9aa5b1}
.head{fill:#9aa5b1;stroke:none}
text{fill:#1d2733;text-anchor:middle}
.second{font-size:10.5px;fill:#5a6673}
.wires .is-a{stroke-dasharray:2 4}
</style>"""


def picture(catalog: Catalog) -> str:
    """The whole graph, as SVG with its colours inside."""
    svg = graph_svg(graph_json(catalog), widest=1200)
    return re.sub(r"(<svg[^>]*>)", lambda m: m[1] + STYLE, svg, count=1) + "\n"
