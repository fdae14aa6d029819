"""Self-contained pages: sections, policy, and nothing that comes from a file as markup."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from edgeroute.report import html, plan_page
from edgeroute.report.graph import graph_json
from edgeroute.report.result import result_document
from edgeroute.runner.audit import Audit, Check
from edgeroute.runner.blame import Blame
from tests.core.report import sample

PAGE = html.render(result_document(sample.RESULT, graph_json(sample.CATALOG)))
PLAN = plan_page(sample.PLAN, sample.CATALOG, sample.STATES)
SECTIONS = ["route", "steps", "fidelity", "layers", "findings", "certificate", "placement", "candidates", "rejected", "versions", "provenance", "repeat", "next"]  # fmt: skip
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Tags, ids and attributes; fails where tags do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(k, v or "") for k, v in attrs]
        self.ids += [v or "" for k, v in attrs if k == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_sections_have_stable_ids() -> None:
    ids = Reader(PAGE).ids
    assert [i for i in ids if i in SECTIONS] == SECTIONS
    assert [i for i in Reader(PLAN).ids if i in ("routes", "graph", "left-out", "whole")] == ["routes", "graph", "left-out", "whole"]


def test_no_markup_comes_from_a_file() -> None:
    for page in (PAGE, PLAN, sample.RESULT._repr_html_()):
        reader = Reader(page)
        assert "img" not in reader.tags
        assert reader.tags.count("script") == (1 if page.startswith("<!doctype") else 0)
        assert not [name for name, _ in reader.attributes if name.startswith("on")]


def test_policy_allows_our_script_and_nothing_else() -> None:
    for page in (PAGE, PLAN):
        (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src &#x27;sha256-{digest}&#x27;" in page
        assert "default-src &#x27;none&#x27;" in page


def test_pages_need_no_network() -> None:
    for page in (PAGE, PLAN):
        addresses = [v for k, v in Reader(page).attributes if k in ("src", "href", "xlink:href") and not v.startswith(("#", "data:"))]
        assert not addresses
        assert "@import" not in page


def test_versions_provenance_and_the_command_are_there() -> None:
    for part in ("3.11.13", "5f" * 32, "a1b2c3d4e5f6", "edgeroute convert detector.onnx --to artpec8"):
        assert part in PAGE


def test_a_clean_result_has_no_empty_sections() -> None:
    page = html.render(result_document(sample.CLEAN))
    ids = Reader(page).ids
    assert not {"layers", "certificate", "placement", "candidates"} & set(ids)
    assert "Nothing to report." in page
    assert "None: the first route held." in page


SHOWN: dict[str, tuple[Any, str]] = {
    "result": (sample.RESULT, "degraded"),
    "plan": (sample.PLAN, "tf-quantizer"),
    "check": (sample.VALIDATION, "The int8 certificate"),
    "inspect": (sample.RESULT.artifact, "Inputs and outputs"),
    "verify": (Audit(Path("m.tflite"), "tflite", "artpec8", "inside", True, (Check("bytes", True, "as they were"),)), "as they were"),
    "blame": (Blame("conv_1 loses most"), "conv_1 loses most"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_the_api_answers_shows_itself_in_a_notebook(name: str) -> None:
    """Without ids, of which a notebook of many results would have many, without scripts, and without drawings, which need a page's style."""
    value, words = SHOWN[name]
    shown = value._repr_html_()
    reader = Reader(shown)
    assert not reader.ids and not {"script", "svg"} & set(reader.tags)
    assert words in shown


def test_reports_import_nothing_heavy() -> None:
    code = "import sys; import edgeroute.report.files, edgeroute.report.routes, edgeroute.report.text; print(sorted(sys.modules))"
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path})
    assert not {"numpy", "networkx", "rich", "jinja2"} & set(re.findall(r"'([^']+)'", done.stdout))
