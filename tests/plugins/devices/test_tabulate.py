"""The page of rules is generated, and up to date."""

from __future__ import annotations

from pathlib import Path

from edgeroute.rules import load
from edgeroute_plugins.devices.tabulate import markdown
from edgeroute_plugins.devices.targets import RULES, TARGETS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "devices.md"


def test_the_page_is_what_the_data_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run: python -m edgeroute_plugins.devices.tabulate > docs/reference/devices.md"


def test_the_page_names_every_rule_and_device() -> None:
    text = markdown()
    assert all(f"`{rule.code}`" in text for rule in load(RULES)) and all(f"`{t.name}`" in text for t in TARGETS)
