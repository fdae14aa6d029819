"""A target narrowed to a firmware: versions by name, profiles, and what they change."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute.errors import UsageError
from edgeroute.types import Finding, Severity
from edgeroute_plugins.devices.runtime import resolve
from edgeroute_plugins.devices.tables import newer, number, release
from tests.plugins.devices.builder import package
from tests.plugins.devices.cases_artpec7 import after, compiled
from tests.plugins.devices.cases_tflite import then, verified, versions
from tests.plugins.devices.holding import Held, codes, only, report, target


def test_a_profile_is_versions_by_name() -> None:
    assert resolve("axis-os-10.6", target("artpec8")) == {"tflite": "2.3.1"}
    assert resolve({"profile": "axis-os-10.6", "edgetpu": "13"}, target("artpec7")) == {"tflite": "2.3.1", "edgetpu": "13"}
    assert resolve(None, target("artpec8")) == {}


@pytest.mark.parametrize("value", ["axis-os-10.7", {"profile": "nonsense"}, {"tensorflow": "2.3"}, 7])
def test_an_unknown_runtime_names_the_known_ones(value: object) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(value, target("artpec8"))
    assert "axis-os-10.6" in caught.value.remedy or "tflite=VERSION" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "version"), [("tflite", "banana"), ("tflite", ""), ("edgetpu", "13.1"), ("edgetpu", "v13"), ("edgetpu", "thirteen")]
)
def test_a_version_that_cannot_be_compared_is_an_error(name: str, version: str) -> None:
    """Passing over it would let every file pass."""
    with pytest.raises(UsageError) as caught:
        resolve({name: version}, target("artpec7"))
    assert f"--runtime {name}=" in caught.value.remedy


def test_an_operator_newer_than_the_named_runtime_is_an_error(tmp_path: Path) -> None:
    found = only(report(Held(versions(6), "artpec8", {"runtime": "axis-os-10.6"}), tmp_path), "TFL-024")
    assert found.severity == Severity.ERROR and "2.9.0" in found.message and "2.3.1" in found.remedy


@pytest.mark.parametrize(("named", "told"), [("12", True), ("13", False), ("", False)])
def test_an_operator_that_a_named_edge_tpu_runtime_lacks_is_told_before_compilation(named: str, told: bool, tmp_path: Path) -> None:
    packed = then(lambda net, x: net.plain("SUM", x, net.numbers([1]), shape=(1, 1, 8, 16)))
    context = {"phase": "before-compile", "runtime": {"edgetpu": named} if named else {}}
    answer = report(Held(packed, "artpec7", context), tmp_path)
    assert [
        f.message.endswith("SUM is mapped from runtime 13 on; runtime 12 was named") for f in answer.findings if f.code == "A7-021"
    ] == [True] * told


def test_a_newer_runtime_takes_it(tmp_path: Path) -> None:
    assert "TFL-024" not in codes(report(Held(versions(6), "artpec8", {"runtime": {"tflite": "2.12"}}), tmp_path))


@pytest.mark.parametrize(("version", "severity"), [(3, []), (4, [Severity.TIP]), (6, [Severity.WARNING])])
def test_without_a_runtime_what_devices_were_seen_to_take_counts(version: int, severity: list[Severity], tmp_path: Path) -> None:
    answer = report(Held(versions(version), "artpec8"), tmp_path)
    assert [f.severity for f in answer.findings if f.code == "TFL-024"] == severity


def test_the_edge_tpu_runtime(tmp_path: Path) -> None:
    assert "A7-021" not in codes(report(after(compiled(package(runtime=14)), runtime={"edgetpu": "14"}), tmp_path))
    assert "A7-021" in codes(report(after(compiled(package(runtime=13)), runtime={"edgetpu": "12"}), tmp_path))


def test_versions_compare_as_numbers() -> None:
    assert newer("2.10.0", "2.9.1") and not newer("2.3", "2.3.0") and not newer("", "2.3") and not newer("2.3", "")
    assert number("2.3.1rc0") == (2, 3, 1)
    assert release("CONV_2D", 6) == "2.9.0" and release("CONV_2D", 99) == "2.12.0" and release("NOTHING", 1) == ""


def test_what_verification_calls_a_dead_group_is_this_rule(tmp_path: Path) -> None:
    dead = Finding(
        "dead-group", Severity.ERROR, "scores: constant; the float model's varies", "give each part its own scale", "scores[4:]", cost=1.0
    )
    found = only(report(Held(versions(3), "artpec9", verified(dead)), tmp_path), "TFL-021")
    assert "scores: constant" in found.message and found.remedy == "give each part its own scale" and found.where == "scores[4:]"
