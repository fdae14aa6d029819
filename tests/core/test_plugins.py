"""Discovery: inline files, quarantine with reasons, and names that are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeroute import __version__
from edgeroute.catalog import build
from edgeroute.errors import PluginError, SourceError
from edgeroute.plugins import discover
from edgeroute.recognize import recognize


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.py"
    file.write_text(text)
    return file


def found(*files: Path, disabled: tuple[str, ...] = ()) -> dict[str, tuple[str, str]]:
    return {p.name: (p.status, p.reason) for p in discover(files, disabled).all}


def test_an_inline_file_is_a_plugin(tmp_path: Path) -> None:
    file = write(tmp_path, "my_inline_plugin", "def edgeroute_formats(): return []")
    assert found(file)["my_inline_plugin"] == ("loaded", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise SystemError('no')", "its import raised SystemError: no"),
        ("import not_there_at_all", "ModuleNotFoundError"),
        ("def (", "SyntaxError"),
        ("EDGEROUTE_API = 99", "made for plugin API 99"),
        ("import sys; sys.exit('goodbye')", "SystemExit: goodbye"),
        ("def edgeroute_colours(): return []", "it does not answer as edgeroute asks: unknown hook 'edgeroute_colours'"),
        ("def edgeroute_formats(): return []\ndef edgeroute_targets(x): return []", "Argument(s) {'x'} are declared"),
    ],
)
def test_a_broken_file_is_quarantined_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    status, said = found(write(tmp_path, "broken_inline_plugin", text))["broken_inline_plugin"]
    assert status == "broken"
    assert reason in said


def test_a_plugin_that_is_refused_half_way_says_nothing_for_others(tmp_path: Path) -> None:
    half = "from edgeroute.types import Format\ndef edgeroute_formats(): return [Format('half', 'h', '.h')]\ndef edgeroute_targets(x): return []"
    good = "def edgeroute_formats(): return []"
    files = [write(tmp_path, "half_refused", half), write(tmp_path, "good_beside", good)]
    plugins = discover(files, {p.name for p in discover((), ()).all})
    assert [(said.plugin.name, said.items) for said in plugins.ask("formats")] == [("good_beside", ())]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def edgeroute_recognize(path): return 7", "edgeroute_recognize() answered int where Recognition is wanted"),
        ("def edgeroute_recognize(path): raise SystemExit(4)", "edgeroute_recognize() raised SystemExit: 4"),
        (
            "from edgeroute.types import Recognition\ndef edgeroute_recognize(path): return Recognition('onnx', facts=3)",
            "edgeroute_recognize() answered Recognition whose facts is 3, but should be Facts",
        ),
        (
            "from edgeroute.types import Recognition\ndef edgeroute_recognize(path): return Recognition('moon')",
            "edgeroute_recognize() answered the format moon, which nobody declares",
        ),
    ],
)
def test_a_nonsense_answer_quarantines_and_the_error_says_who_could_not_be_asked(tmp_path: Path, text: str, reason: str) -> None:
    plugins = discover([write(tmp_path, "nonsense_inline", text)], ())
    with pytest.raises(SourceError) as caught:
        recognize(write(tmp_path, "nothing_known", "x"), plugins, build(plugins))
    assert caught.value.code == "unknown-format"
    assert f"nonsense_inline: {reason}" in caught.value.message
    assert {p.name: (p.status, p.reason) for p in plugins.all}["nonsense_inline"] == ("broken", reason)


@pytest.mark.parametrize(
    ("requires", "status"),
    [("edgeroute>=0.1.0", "loaded"), ("edgeroute>=99", "broken"), ("edgeroute[rich]<0.1", "broken"), ("edgeroute-other>=99", "loaded")],
)
def test_an_installed_plugin_that_needs_another_version_is_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requires: str, status: str
) -> None:
    """pip warns, and installs an upgrade of edgeroute all the same."""
    write(tmp_path, "edgeroute_elder", "")
    metadata = tmp_path / "edgeroute_elder-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: edgeroute-elder\nVersion: 1.0\nRequires-Dist: {requires}\n")
    (metadata / "entry_points.txt").write_text("[edgeroute]\nelder = edgeroute_elder\n")
    monkeypatch.syspath_prepend(tmp_path)
    (plugin,) = [p for p in discover((), ()).all if p.name == "elder"]
    assert (plugin.status, plugin.origin) == (status, "edgeroute-elder 1.0")
    if status == "broken":
        assert plugin.reason == f"edgeroute-elder 1.0 needs another version of edgeroute: {requires} ({__version__} is installed)"


def test_the_second_owner_of_a_name_is_shadowed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, second = write(tmp_path, "twice_plugin", ""), write(tmp_path / "other", "twice_plugin", "")
    states = found(first, second)
    assert states["twice_plugin"][0] == "loaded"
    assert states[f"twice_plugin@{second}"][0] == "shadowed"


def test_a_disabled_plugin_is_not_imported(tmp_path: Path) -> None:
    assert found(write(tmp_path, "off_plugin", "1/0"), disabled=("off_plugin",))["off_plugin"][0] == "disabled"


def test_a_plugin_is_disabled_however_its_name_is_spelled(tmp_path: Path) -> None:
    """A distribution is edgeroute-acme-npu, its entry point acme_npu."""
    assert found(write(tmp_path, "acme_npu", "1/0"), disabled=("Acme-NPU",))["acme_npu"][0] == "disabled"


def test_a_name_that_disables_nothing_is_told(tmp_path: Path) -> None:
    states = found(write(tmp_path, "acme_npu", ""), disabled=("acme-nup",))
    assert states["acme_npu"][0] == "loaded"
    assert states["acme-nup"] == ("disabled", "named in EDGEROUTE_DISABLE, but there is no such plugin: did you mean acme-npu?")


def test_a_missing_file_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        discover([tmp_path / "nothing.py"])
    assert caught.value.exit_code == 11
    assert "--plugin" in caught.value.remedy


def test_our_own_plugins_come_in_by_the_front_door() -> None:
    states = found()
    assert states["tflite"] == ("loaded", "")
    assert {status for status, _ in states.values()} == {"loaded"}


def test_a_package_that_is_not_installed_is_a_plugin_with_its_neighbours(tmp_path: Path) -> None:
    package = tmp_path / "edgeroute_uninstalled"
    package.mkdir()
    write(package, "plugin", "from edgeroute_uninstalled.names import NAME\ndef edgeroute_formats(): return []")
    write(package, "names", "NAME = 'x'")
    (plugin,) = [p for p in discover([package], ()).all if p.origin == str(package)]
    assert (plugin.name, plugin.status, plugin.code) == ("uninstalled", "loaded", (("edgeroute_uninstalled", str(package)),))
    again = [p for p in discover([package], ()).all if p.origin == str(package)]
    assert [p.status for p in again] == ["loaded"]


RECOGNIZER = """
from edgeroute.hookspecs import hookimpl
from edgeroute.types import Recognition
{mark}
def edgeroute_recognize(path):
    return Recognition("{name}")
"""


def test_a_special_case_may_ask_to_be_heard_first_and_a_catch_all_last(tmp_path: Path) -> None:
    marks = {"ordinary_one": "", "special_one": "@hookimpl(tryfirst=True)", "catch_all_one": "@hookimpl(trylast=True)"}
    files = [write(tmp_path, name, RECOGNIZER.format(mark=mark, name=name)) for name, mark in sorted(marks.items())]
    plugins = discover(files, {p.name for p in discover((), ()).all})
    assert [answer.format for _, answer in plugins.each("recognize", path=tmp_path)] == ["special_one", "ordinary_one", "catch_all_one"]
