"""Bundles written, read back, and kept from naming what is on this computer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute import handover
from edgeroute.errors import SourceError
from edgeroute.handover import Manifest, impersonal
from edgeroute.types import Artifact, ConversionResult, Facts, Tensor

FACTS = Facts((Tensor("x", (1, 3), "int8", "", (0.5,), (1,)),))
MANIFEST = Manifest(
    handover.SCHEMA, "0", "artpec7", "compiler:a->b", "tool", "b", "net.b", "model.a", "run.sh", "model.b", FACTS, {"name": "net.onnx"}
)  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "net.handover"
    (folder / "images").mkdir(parents=True)
    for name in ("model.a", "run.sh", "images/0.jpg"):
        (folder / name).write_text(name)
    source = Artifact(tmp_path / "home" / "net.onnx", "onnx", "aa", 1)
    result = ConversionResult("handed-over", "artpec7", source, None, ("ab",), (), {}, (), ())
    handover.seal(folder, MANIFEST, result, {tmp_path / "home": "~"})
    return folder


def test_a_bundle_is_read_back_as_it_was_written(bundle: Path) -> None:
    found = handover.open_bundle(bundle)
    assert found.manifest.facts == FACTS and set(found.manifest.files) == {"model.a", "run.sh", "images/0.jpg", "result.json"}
    assert found.result.status == "handed-over" and str(found.result.source.path) == "~/net.onnx"
    assert found.changed() == [] and found.model == bundle / "model.a"


def test_what_changed_on_the_way_is_named(bundle: Path) -> None:
    (bundle / "run.sh").write_text("other")
    (bundle / "images" / "0.jpg").unlink()
    (bundle / "model.b").write_text("what the colleague adds is no change")
    assert handover.open_bundle(bundle).changed() == ["images/0.jpg", "run.sh"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "another"}', '{"schema": "edgeroute-handover/1"}'])
def test_a_manifest_that_is_none_is_refused(bundle: Path, text: str) -> None:
    (bundle / handover.MANIFEST).write_text(text)
    with pytest.raises(SourceError) as caught:
        handover.open_bundle(bundle)
    assert caught.value.remedy


@given(
    st.recursive(st.text() | st.integers() | st.booleans() | st.none(), lambda s: st.lists(s) | st.dictionaries(st.text(), s), max_leaves=8)
)
def test_what_names_no_folder_stays_as_it_is(value: object) -> None:
    assert impersonal(value, {Path("/home/somebody"): "~"}) == value


@given(st.text(alphabet="abc/ .", max_size=12), st.text(alphabet="abc/ .", max_size=12))
def test_a_home_is_never_named(before: str, after: str) -> None:
    told = json.dumps(impersonal({"a": [f"{before}/home/somebody/{after}"]}, {Path("/home/somebody"): "~", Path("/home/somebody/x"): "X"}))
    assert "somebody" not in told
