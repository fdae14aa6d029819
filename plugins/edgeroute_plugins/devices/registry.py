"""Rule code → the function that implements it, for rules on TFLite files."""

from __future__ import annotations

from collections.abc import Mapping

from edgeroute_plugins.devices import (
    rules_artpec7,
    rules_artpec8,
    rules_artpec9,
    rules_input,
    rules_quant,
    rules_runtime,
    rules_structure,
)
from edgeroute_plugins.devices.cases import Check


def checks() -> Mapping[str, Check]:
    """Every implementation; two of one code are a mistake."""
    found: dict[str, Check] = {}
    for module in (rules_structure, rules_input, rules_quant, rules_runtime, rules_artpec7, rules_artpec8, rules_artpec9):
        if twice := found.keys() & module.CHECKS.keys():
            raise ValueError(f"implemented twice: {', '.join(sorted(twice))}")
        found.update(module.CHECKS)
    return found
