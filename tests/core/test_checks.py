"""What core itself says of a file on its way to a device."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edgeroute.cache import Cache
from edgeroute.catalog import Catalog
from edgeroute.checks import check_artifact
from edgeroute.environments import Environments
from edgeroute.plugins import Plugin, Plugins
from edgeroute.types import Artifact, Finding, Format, Severity, Target, ValidationReport
from edgeroute.workshop import Workshop


def rules(severity: Severity) -> types.ModuleType:
    """A plugin with one rule that always speaks."""

    def edgeroute_check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport:
        return ValidationReport(target.name, artifact.path, artifact.format, (Finding("R-1", severity, "wrong kind", "convert it"),))

    module = types.ModuleType("rules")
    module.edgeroute_check = edgeroute_check  # type: ignore[attr-defined]
    return module


def codes(tmp: Path, kind: str, severity: Severity = Severity.TIP, context: Mapping[str, Any] | None = None, **details: Any) -> set[str]:
    plugins = Plugins([Plugin("rules", "loaded", "here", module=rules(severity))])
    formats = {name: Format(name, name, ".x") for name in ("good", "bad", "odd")}
    workshop = Workshop(plugins, Catalog(formats=formats), Environments(tmp / "e", {}), Cache(tmp))
    artifact = Artifact(tmp / "m.x", kind, "0", 1)
    report = check_artifact(workshop, artifact, Target("device", "a device", ("good",), details=details), context or {})
    return {f.code for f in report.findings}


def test_a_kind_that_is_not_loaded_is_an_error(tmp_path: Path) -> None:
    assert "format-not-accepted" in codes(tmp_path, "bad")
    assert "format-not-accepted" not in codes(tmp_path, "good")


def test_a_tolerated_kind_is_none(tmp_path: Path) -> None:
    assert "format-not-accepted" not in codes(tmp_path, "odd", tolerates=("odd",))
    assert "format-not-accepted" in codes(tmp_path, "bad", tolerates=("odd",))


def test_on_its_way_to_the_compiler_any_kind_will_do(tmp_path: Path) -> None:
    assert "format-not-accepted" not in codes(tmp_path, "bad", context={"phase": "before-compile"})


@pytest.mark.parametrize(("severity", "said"), [(Severity.ERROR, False), (Severity.WARNING, True)])
def test_a_rule_that_says_it_in_better_words_speaks_alone(tmp_path: Path, severity: Severity, said: bool) -> None:
    assert ("format-not-accepted" in codes(tmp_path, "bad", severity, format_rules=("R-1",))) is said
    assert "format-not-accepted" in codes(tmp_path, "bad", severity)


@pytest.mark.parametrize("answer", [7, ValidationReport("device", Path("m.x"), 3)])  # type: ignore[arg-type]
def test_an_answer_that_is_no_report_is_a_check_that_was_not_made(tmp_path: Path, answer: object) -> None:
    module = types.ModuleType("odd")
    module.edgeroute_check = lambda artifact, target, context: answer  # type: ignore[attr-defined]
    assert "check-crashed" in _report(tmp_path, module, "").codes


def _report(tmp: Path, module: types.ModuleType, device_rules: str) -> Any:
    workshop = Workshop(
        Plugins([Plugin(module.__name__, "loaded", "here", module=module)]),
        Catalog(formats={"good": Format("good", "good", ".x")}),
        Environments(tmp / "e", {}),
        Cache(tmp),
    )
    target = Target("artpec8", "a device", ("good",), rules=device_rules)
    report = check_artifact(workshop, Artifact(tmp / "m.x", "good", "0", 1), target, {})
    return types.SimpleNamespace(ok=report.ok, codes={f.code for f in report.findings})


def test_rules_that_nobody_applies_are_not_kept(tmp_path: Path) -> None:
    silent = types.ModuleType("silent")
    told = _report(tmp_path, silent, "edgeroute_plugins.devices:rules")
    assert told.codes == {"rules-unapplied"} and not told.ok
    assert _report(tmp_path, silent, "").ok
    assert _report(tmp_path, rules(Severity.TIP), "edgeroute_plugins.devices:rules").ok
