"""What is installed, read from names; held against what `importlib.metadata` says."""

from __future__ import annotations

import importlib.metadata
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from edgeroute.distributions import canonical, closure, imported, installed, isolated_paths
from edgeroute.requirements import name_of, unmet

SITE = sysconfig.get_path("purelib")


def make(folder: Path, name: str, version: str, *, requires: tuple[str, ...] = (), record: str = "") -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {r}" for r in requires), "", "Requires-Dist: not-a-header"]
    (info / "METADATA").write_text("\n".join(lines))
    (info / "RECORD").write_text(record)


def test_names_and_versions_are_those_of_the_standard_library() -> None:
    found = {name: d.version for name, d in installed([SITE]).items()}
    expected = {canonical(d.metadata["Name"]): d.version for d in reversed(list(importlib.metadata.distributions(path=[SITE])))}
    assert found == expected
    assert "pytest" in found


def test_an_isolated_child_sees_just_these_folders() -> None:
    code = "import sys, json; print(json.dumps(sys.path))"
    seen = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert [p for p in isolated_paths() if Path(p).exists() and p not in seen] == []


def test_folders_that_pth_files_add_count_as_they_do_for_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = tmp_path / "site" / "near", tmp_path / "far"
    make(near, "alpha", "1.0")
    make(far, "beta", "2.0")
    (tmp_path / "site" / "places.pth").write_text(f"# a comment\nimport sys\nnear\n{far}\n{tmp_path / 'nowhere'}\n\n")
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(tmp_path / "site")])
    assert isolated_paths() == (str(tmp_path / "site"), str(near), str(far))
    assert {name: d.version for name, d in installed(isolated_paths()).items()} == {"alpha": "1.0", "beta": "2.0"}


def test_the_first_folder_wins(tmp_path: Path) -> None:
    make(tmp_path / "a", "one", "1.0")
    make(tmp_path / "b", "one", "2.0")
    assert installed([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "none")])["one"].version == "1.0"


def test_old_kinds_of_metadata_are_understood(tmp_path: Path) -> None:
    (tmp_path / "Old_Style-1.2-py3.11.egg-info").mkdir()
    (tmp_path / "bare.egg-info").mkdir()
    (tmp_path / "bare.egg-info" / "PKG-INFO").write_text("Name: bare\nVersion: 7\n\n")
    assert {n: d.version for n, d in installed([str(tmp_path)]).items()} == {"old-style": "1.2", "bare": "7"}


def test_a_closure_follows_what_is_installed_but_no_extras(tmp_path: Path) -> None:
    make(tmp_path, "top", "1", requires=("Mid_dle>=1", "absent", 'nice; extra == "more"'))
    make(tmp_path, "mid_dle", "2", requires=("top", "leaf[x] (>=1); python_version > '3'"))
    make(tmp_path, "leaf", "3")
    make(tmp_path, "nice", "4")
    make(tmp_path, "not_a_header", "5")
    assert closure(["top"], installed([str(tmp_path)])) == {"top": "1", "mid-dle": "2", "leaf": "3"}


def test_imported_modules_lead_to_their_distributions(tmp_path: Path) -> None:
    make(tmp_path, "opencv_python", "4.1", record="cv2/__init__.py,,\n")
    make(tmp_path, "single", "1", record="odd_name.py,,\n")
    make(tmp_path, "unused", "9", record="unused/__init__.py,,\n")
    assert imported(["cv2", "cv2.data", "odd_name", "json", "__main__"], [str(tmp_path)]) == {"opencv-python": "4.1", "single": "1"}


@pytest.mark.parametrize(
    ("requirement", "met"),
    [
        ("tool==1.5", True),
        ("Tool>=2", False),
        ("tool~=1.4", True),
        ("other==1", False),
        ("other==1; python_version < '3'", True),
        ("tool[extra]<2", True),
        ("tool @ https://example.org/tool.zip", True),
        ("wheels/tool-1.5-py3-none-any.whl", True),
        ("wheels/tool-1.6-py3-none-any.whl", False),
        ("local==1.0", True),
    ],
)
def test_requirements_are_met_or_not(requirement: str, met: bool) -> None:
    assert (unmet([requirement], {"tool": "1.5", "local": "1.0+cpu"}) == ()) == met


def test_markers_are_judged_for_the_interpreter_in_question() -> None:
    requirement = "only-there==1; python_version >= '3.99'"
    assert unmet([requirement], {}) == ()
    assert unmet([requirement], {}, {"python_version": "3.99", "extra": ""}) != ()


def test_a_requirement_has_a_canonical_name() -> None:
    assert name_of("Ai_Edge.LiteRT==2; python_version > '3'") == "ai-edge-litert"
