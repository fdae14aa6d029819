"""Markdown that reads as itself."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from edgeroute.report import markdown
from edgeroute.report.blocks import Command, Document, Prose, Section
from edgeroute.report.graph import graph_json
from edgeroute.report.result import result_document
from tests.core.report import sample

RENDERED = markdown.render(result_document(sample.RESULT, graph_json(sample.CATALOG, sample.PLAN)))
OURS = re.compile(r'<a id="[a-z-]+"></a>|</?details>|</?summary>')


def without_fences(text: str) -> str:
    return re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.M | re.S)


def test_no_markup_comes_from_a_file() -> None:
    rest = OURS.sub("", without_fences(RENDERED))
    assert not re.search(r"(?<!\\)<", rest)


def test_tables_keep_their_columns() -> None:
    tables = re.findall(r"(?:^\|.*\|$\n?)+", without_fences(RENDERED), flags=re.M)
    assert len(tables) > 8
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.strip().splitlines()}
        assert len(widths) == 1, table


def test_sections_have_anchors() -> None:
    anchors = re.findall(r'<a id="([a-z-]+)">', RENDERED)
    assert anchors[:4] == ["route", "steps", "fidelity", "layers"]
    assert len(anchors) == len(set(anchors))


def test_route_is_a_mermaid_drawing() -> None:
    assert '```mermaid\nflowchart LR\n  n0["onnx"]' in RENDERED
    assert '==>|"onnx2tf"|' in RENDERED


@given(st.text(max_size=40))
def test_a_command_stays_inside_its_fence(text: str) -> None:
    command = text.replace("\n", " ").replace("\r", " ") + "`````"
    rendered = markdown.render(Document("t", "", "", "", sections=(Section("s", "S", (Command(command), Prose("after"))),)))
    assert rendered.rstrip().endswith("after")
    assert "``````sh" in rendered


def test_beginnings_of_lists_are_escaped() -> None:
    assert markdown.escape("1. cost") == "1\\. cost"
    assert markdown.escape("- item") == "\\- item"
    assert markdown.escape("14.1 dB") == "14.1 dB"
