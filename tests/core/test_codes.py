from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest

from docs.scripts import codes as walk
from edgeroute import rules
from edgeroute.cli.main import main
from edgeroute.explain import codes, explain_error, families
from edgeroute.workshop import Workshop, open_workshop

RULE = re.compile(r"[A-Z][A-Z0-9]*-\d+")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(root=tmp_path_factory.mktemp("home"))


def test_the_walk_sees_every_way_in_which_a_code_is_given() -> None:
    found = {use.code for use in walk.uses()}
    assert {"source-missing", "check-crashed", "converter-crashed", "flex-operator", "environment-*", "random-data"} <= found


def test_every_code_of_the_sources_is_explained(shop: Workshop) -> None:
    known = {*codes(), *families(), *rules.all_rules(shop.catalog.targets.values())}
    missing = [f"{use.code} ({use.where})" for use in walk.uses() if not fnmatch.filter(known, use.code)]
    assert not missing, "give each an entry in core/edgeroute/codes.toml: " + ", ".join(sorted(missing))


def test_every_symptom_of_a_converter_is_explained(shop: Workshop) -> None:
    symptoms = {symptom.code for converter in shop.catalog.converters for symptom in converter.symptoms}
    assert symptoms <= set(codes())


def test_no_entry_has_outlived_its_code() -> None:
    text = "".join(f.read_text(encoding="utf-8") for source in walk.SOURCES for f in sorted((walk.ROOT / source).rglob("*.py")))
    made = [re.compile(re.escape(use.code).replace(r"\*", ".+")) for use in walk.uses() if "*" in use.code]
    left = [c for c in codes() if f'"{c}"' not in text and not any(pattern.fullmatch(c) for pattern in made)]
    assert not left


@pytest.mark.parametrize("code", sorted(codes()))
def test_entries_are_whole(code: str) -> None:
    entry = codes()[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    assert set(entry) == {"title", "why", "remedy"} and all(text.strip() for text in entry.values())
    assert not entry["title"].endswith(".") and entry["why"].endswith(".")


def test_explain_answers_for_every_code(shop: Workshop) -> None:
    assert all(explain_error(code, shop.catalog) for code in (*codes(), *families()))


def test_explain_prints_the_remedy(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEROUTE_HOME", str(tmp_path))
    assert main(["explain", "shape-open"]) == 0
    assert "--input-shape" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "meant"), [("deadgroup", "dead-group"), ("a8-4", "A8-014"), ("edgetpu-timeouts", "edgetpu-timeout")])
def test_a_code_that_is_mistyped_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, meant: str
) -> None:
    monkeypatch.setenv("EDGEROUTE_HOME", str(tmp_path))
    assert main(["explain", typed]) == 2
    assert f"edgeroute explain {meant}" in capsys.readouterr().err


def test_a_code_is_found_in_any_case_of_letters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGEROUTE_HOME", str(tmp_path))
    assert main(["explain", "Dead-Group"]) == main(["explain", "a9-012"]) == 0
    assert "dead-group: " in (said := capsys.readouterr().out) and "A9-012: " in said
