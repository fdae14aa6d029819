"""The pages of vendors' tools and cameras: their commands are understood, and run with stand-ins for what is not here."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from docs.scripts.excerpts import ROOT, workplace
from edgeroute.cli.main import build_parser
from edgeroute.runner.request import check_options, parse_settings
from edgeroute.types import Tool
from edgeroute.workshop import Workshop, open_workshop
from tests.docs import test_snippets as pages

PAGES = sorted(ROOT / "docs" / "how-to" / name for name in pages.ELSEWHERE)
STANDINS = ROOT / "tests" / "plugins"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(root=tmp_path_factory.mktemp("home"))


def commands(page: Path) -> list[list[str]]:
    """Every `edgeroute …` line, as words."""
    lines = [line for s in pages.snippets(page) if s.language == "sh" for line in s.code.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("edgeroute ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_is_understood(page: Path, shop: Workshop) -> None:
    found = commands(page)
    assert found
    for words in found:
        asked = build_parser(only=words[0]).parse_args(words)
        check_options(shop.catalog, parse_settings(getattr(asked, "set", [])))
        shop.catalog.target(getattr(asked, "to", "") or "cpu")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_variable_is_a_tools_own(page: Path, shop: Workshop) -> None:
    variables = {t.variable for t in shop.catalog.environments.values() if isinstance(t, Tool)}
    assert set(re.findall(r"\bEDGEROUTE_[A-Z0-9_]+\b", page.read_text(encoding="utf-8"))) <= variables


@pytest.mark.parametrize(("name", "converter"), [("edge-tpu.md", "edgetpu-compiler"), ("ambarella.md", "ambarella")])
def test_every_option_of_the_tables_exists(name: str, converter: str, shop: Workshop) -> None:
    text = (ROOT / "docs" / "how-to" / name).read_text(encoding="utf-8")
    cells = [cell for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for cell in re.findall(r"`(\w+)`", row)]
    assert cells
    check_options(shop.catalog, {converter: dict.fromkeys(cells, "")})


@pytest.mark.real
@pytest.mark.parametrize("name", ["edge-tpu.md", "ambarella.md", "hand-over.md"])
def test_they_run_with_stand_ins(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name != "hand-over.md":
        monkeypatch.setenv("EDGEROUTE_EDGETPU_COMPILER", f"{sys.executable} {STANDINS / 'edgetpu' / 'standins' / 'edgetpu_compiler'}")
        monkeypatch.setenv("EDGEROUTE_AMBARELLA_CV25", str(STANDINS / "ambarella" / "standins" / "env" / "cv25.env"))
    workplace(tmp_path)
    for snippet in pages.snippets(ROOT / "docs" / "how-to" / name):
        if not snippet.note.startswith("not run"):
            pages._run(snippet, tmp_path)
