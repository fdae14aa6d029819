"""Rules of any plugin's target: found by address, explained by code, and broken ones told from missing ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeroute import rules
from edgeroute.errors import PluginError, UsageError
from edgeroute.types import Severity, Target

RULE = """
[[rule]]
code = "FRIDGE-001"
severity = "error"
severity_for = { freezer = "tip" }
scope = ["fridge", "freezer"]
title = "Too warm"
condition = "The model is hot."
why = "It melts."
source = ["https://example.com/fridge"]
certainty = "documented"
remedy = "Cool it."
phase = "before-compile"
"""


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Path]:
    """A stranger's package on the path, with a folder of rules; forgotten afterwards."""
    home = tmp_path / "edgeroute_fridge"
    (home / "rules").mkdir(parents=True)
    (home / "__init__.py").write_text("")
    sys.path.insert(0, str(tmp_path))
    rules.load.cache_clear()
    yield home
    sys.path.remove(str(tmp_path))
    sys.modules.pop("edgeroute_fridge", None)
    rules.load.cache_clear()


def fridge(path: str = "rules", name: str = "fridge") -> Target:
    return Target(name, "a fridge", (), rules=f"edgeroute_fridge:{path}")


def test_a_strangers_target_gets_explain_for_free(package: Path) -> None:
    (package / "rules" / "a.toml").write_text(RULE)
    told = rules.explain("fridge-001", [fridge(), Target("bare", "no rules", ())])
    assert told["title"] == "Too warm" and told["severity"] == "error" and told["phase"] == ["before-compile"]
    assert set(told) >= {"code", "scope", "condition", "why", "source", "certainty", "remedy"}


def test_a_single_file_serves_too(package: Path) -> None:
    (package / "device.toml").write_text(RULE)
    assert [r.code for r in rules.rules_of(fridge("device.toml"))] == ["FRIDGE-001"]


def test_scope_and_weight_are_the_targets_own(package: Path) -> None:
    (package / "rules" / "a.toml").write_text(RULE)
    (rule,) = rules.rules_of(fridge())
    assert rule.weight("fridge") == Severity.ERROR and rule.weight("freezer") == Severity.TIP
    assert rules.rules_of(fridge(name="oven")) == ()


def test_an_unknown_code_names_the_nearest(package: Path) -> None:
    (package / "rules" / "a.toml").write_text(RULE)
    with pytest.raises(UsageError, match="no rule and no message has the code FRIDGE-01") as caught:
        rules.find("FRIDGE-01", [fridge()])
    assert "FRIDGE-001" in caught.value.remedy
    with pytest.raises(UsageError) as far:
        rules.find("zzzz", [fridge()])
    assert "edgeroute check" in far.value.remedy


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[rule]]\ncode = 'X'", "missing or unknown"),
        (RULE + "colour = 'blue'", "colour"),
        (RULE.replace("documented", "rumoured"), "rumoured"),
        (RULE.replace("before-compile", "whenever"), "whenever"),
        (RULE.replace('"error"', '"fatal"'), "fatal"),
        ("not toml", "rules"),
    ],
)
def test_broken_rules_say_where(package: Path, text: str, what: str) -> None:
    (package / "rules" / "a.toml").write_text(text)
    with pytest.raises(PluginError, match=what):
        rules.rules_of(fridge())


@pytest.mark.parametrize("address", ["edgeroute_nowhere:rules", "edgeroute_fridge:nowhere", "nonsense"])
def test_missing_rules_are_a_plugins_fault(package: Path, address: str) -> None:
    with pytest.raises(PluginError):
        rules.load(address)


def test_one_targets_broken_rules_do_not_hide_those_of_the_others(package: Path) -> None:
    (package / "rules" / "a.toml").write_text(RULE)
    assert list(rules.all_rules([fridge("nothing", "oven"), fridge()])) == ["FRIDGE-001"]
