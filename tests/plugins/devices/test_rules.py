"""Every rule that a file can break is broken by one real file and kept by another; and the data are sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute.rules import load
from edgeroute.types import Severity
from edgeroute_plugins.devices import cavalry
from edgeroute_plugins.devices.limits7 import LIMITS
from edgeroute_plugins.devices.predicates9 import PREDICATES
from edgeroute_plugins.devices.registry import checks
from edgeroute_plugins.devices.tables import table
from edgeroute_plugins.devices.targets import RULES, TARGETS
from tests.plugins.devices import cases_artpec7, cases_artpec89, cases_cavalry, cases_tflite
from tests.plugins.devices.holding import Held, codes, report

CASES = cases_tflite.CASES | cases_artpec7.CASES | cases_artpec89.CASES | cases_cavalry.CASES
ALL = {rule.code: rule for rule in load(RULES)}


@pytest.mark.parametrize("code", sorted(CASES))
def test_breaks(code: str, tmp_path: Path) -> None:
    held = CASES[code][0]
    answer = report(held, tmp_path)
    assert code in codes(answer), [f.code for f in answer.findings]
    found = next(f for f in answer.findings if f.code == code)
    assert ALL[code].title in found.message and found.remedy
    assert held.target in ALL[code].scope


@pytest.mark.parametrize("code", sorted(CASES))
def test_keeps(code: str, tmp_path: Path) -> None:
    held = CASES[code][1]
    assert held.target in ALL[code].scope, "a rule that does not apply is no rule that is kept"
    assert code not in codes(report(held, tmp_path))


def test_every_rule_that_a_file_can_break_has_both_files() -> None:
    assert set(CASES) == {code for code, rule in ALL.items() if rule.in_files}


def test_every_rule_is_implemented_or_says_why_no_file_shows_it() -> None:
    implemented = checks().keys() | cavalry.CHECKS.keys()
    assert implemented == {code for code, rule in ALL.items() if rule.in_files}
    assert all(bool(rule.reason) != rule.in_files for rule in ALL.values())


def test_codes_are_unique_and_scopes_are_devices() -> None:
    assert len(ALL) == len(load(RULES)) == 101
    assert {name for rule in ALL.values() for name in rule.scope} == {t.name for t in TARGETS}


@pytest.mark.parametrize("code", sorted(ALL))
def test_a_rule_says_what_why_where_and_the_way_out(code: str) -> None:
    rule = ALL[code]
    assert all(len(text) > 10 for text in (rule.condition, rule.why, rule.remedy)) and rule.title
    assert rule.source and all(s.startswith("https://") or " " in s for s in rule.source)
    assert set(rule.severity_for) <= set(rule.scope)


def test_operator_tables_name_functions_and_rules_that_exist() -> None:
    nine = table("artpec9")["operators"].values()
    assert {entry["predicate"] for entry in nine} - {""} == set(PREDICATES)
    seven = table("artpec7")["operators"].values()
    assert {code for entry in seven for code in entry.get("limits", ())} == set(LIMITS)


def test_artpec8_lists_no_operator_twice() -> None:
    listed = [operator for entry in table("artpec8")["status"].values() for operator in entry["operators"]]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(("target", "severity"), [("artpec9", Severity.ERROR), ("artpec8", Severity.WARNING)])
def test_a_rule_can_weigh_less_on_one_device(target: str, severity: Severity, tmp_path: Path) -> None:
    answer = report(Held(cases_tflite.with_input(shape=(2, 8, 8, 3)), target), tmp_path)
    assert next(f for f in answer.findings if f.code == "TFL-012").severity == severity


def test_findings_come_in_order_of_weight_and_cost(tmp_path: Path) -> None:
    answer = report(CASES["A7-005"][0], tmp_path)
    order = [(f.severity.rank, -f.cost) for f in answer.findings]
    assert order == sorted(order) and len({f.severity for f in answer.findings}) > 1
