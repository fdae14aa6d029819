"""The sample report that the pages show: whole, small, and of no particular computer."""

from __future__ import annotations

import re
from pathlib import Path

from docs.scripts import sample
from docs.scripts.excerpts import ROOT, afresh

PICTURES = ROOT / "docs" / "pictures"
PAGE = (PICTURES / sample.PAGE).read_text(encoding="utf-8")
SECTIONS = {"route", "steps", "fidelity", "layers", "findings", "certificate", "placement", "versions", "provenance", "repeat", "next"}


def test_it_holds_every_section_and_needs_no_network() -> None:
    assert set(re.findall(r'<section id="(\w+)"', PAGE)) >= SECTIONS
    assert not re.search(r'(?:src|href)="(?:https?:)?//', PAGE)


def test_it_is_small_and_its_picture_is_one() -> None:
    assert len(PAGE) < 1_500_000
    assert (PICTURES / sample.PICTURE).read_bytes().startswith(b"\x89PNG")


def test_it_names_no_folder_of_a_computer(tmp_path: Path) -> None:
    assert not re.search(r"/(?:home|Users|root|tmp|work|var)/", PAGE)
    text = f"{tmp_path}/model.onnx {tmp_path}/.edgeroute/steps/1 {ROOT}/core {Path.home()}/x"
    assert sample.impersonal(text, tmp_path, afresh(tmp_path)) == "model.onnx ~/.cache/edgeroute/steps/1 ~/edgeroute/core ~/x"
