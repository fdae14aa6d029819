"""The accuracy example: what its page says, and that edgeroute's int8 file gives as many right answers as the float network."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from edgeroute import api
from edgeroute.workshop import RUNTIME, open_workshop

HERE = Path(__file__).parents[2] / "examples" / "accuracy"
NEAR = 2.0
"""Per cent of right answers that rounding may cost: one standard error of the count is 1.2."""


def table() -> dict[tuple[str, str], list[str]]:
    """(weights, way) → the other cells of a row."""
    page = (HERE / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")]
    return {(row[0], row[1]): row[2:] for row in rows[1:] if not row[0].startswith("---")}


def per_cent(text: str) -> float:
    return float(text.removesuffix(" %"))


def test_the_page_shows_what_the_default_keeps_and_the_bare_tools_lose() -> None:
    said = table()
    original = per_cent(said["float", "float32, as TFLite"][0])
    for weights in ("per channel", "per tensor"):
        right, _, _, status = said[weights, "edgeroute, effort auto"]
        assert status == "succeeded" and per_cent(right) > original - NEAR
        bare = [cells for (grain, way), cells in said.items() if grain == weights and not way.startswith("edgeroute")]
        assert len(bare) == 3
        assert all(cells[0] == "no file" or per_cent(cells[0]) < original - 10 for cells in bare)
        assert all(re.fullmatch(r"refused: `[a-z-]+`", cells[3]) for cells in bare)


def test_the_pictures_and_what_they_show_belong_together() -> None:
    truth = json.loads((HERE / "test.json").read_text(encoding="utf-8"))
    assert len(truth["labels"]) == len(truth["centres"]) == 994 and set(truth["labels"]) == set(range(10))
    assert len(list((HERE / "calibration").glob("*.jpg"))) == 120


@pytest.mark.real
def test_the_default_gives_the_right_answers_per_tensor(tmp_path: Path) -> None:
    file = tmp_path / "reader.tflite"
    result = api.convert(HERE / "reader.onnx", "artpec8", out=file, calibrate=HERE / "calibration", preprocess="0..1")
    assert result.status == "succeeded" and len(result.artifact.facts.outputs if result.artifact else ()) == 2
    python = open_workshop().environments.ensure(RUNTIME).python
    counted = subprocess.run([python, HERE / "count.py", file], capture_output=True, text=True, check=True)
    assert json.loads(counted.stdout)["right"] > per_cent(table()["float", "float32, as TFLite"][0]) - NEAR
