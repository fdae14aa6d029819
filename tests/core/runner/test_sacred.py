"""The user's file: nothing that a tool does to it goes unnoticed, and nothing is measured against what a tool made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeroute.errors import SourceError
from edgeroute.runner.convert import convert
from edgeroute.runner.request import Request
from edgeroute.workshop import Workshop


def knowing(folder: Path) -> Path:
    """A model that tells the tool where it lies."""
    model = folder / "model.toy"
    model.write_text(json.dumps({"kind": "toy-a", "factor": 2.0, "home": str(model)}))
    return model


@pytest.mark.parametrize("edge", ["first-ab", "first-bc"])
def test_a_tool_that_reaches_out_for_it_is_caught(workshop: Workshop, tmp_path: Path, edge: str) -> None:
    model = knowing(tmp_path)
    with pytest.raises(SourceError) as caught:
        convert(workshop, model, "toy-device", Request(out=tmp_path / "out.toy", options={edge: {"mood": "reaches_out"}}))
    assert (caught.value.code, caught.value.exit_code) == ("source-changed", 3)
    assert edge in caught.value.message
    assert not (tmp_path / "out.toy").exists()


def test_a_tool_that_fails_after_that_is_caught_too(workshop: Workshop, tmp_path: Path) -> None:
    model = knowing(tmp_path)
    with pytest.raises(SourceError) as caught:
        convert(workshop, model, "toy-device", Request(out=tmp_path / "out.toy", options={"first-bc": {"mood": "reaches_out_and_fails"}}))
    assert caught.value.code == "source-changed"
    assert "first-bc" in caught.value.message
