"""SavedModels and frozen graphs: signatures, shapes and operators without TensorFlow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute.errors import SourceError
from edgeroute_plugins.sources.plugin import edgeroute_recognize
from tests.plugins.sources.test_plugin import FILES, facts
from tests.plugins.wire_writer import message


def entry(key: str, content: bytes) -> bytes:
    return message((1, key), (2, content))


def info(name: str, dtype: int, *sizes: int) -> bytes:
    return message((1, name), (2, dtype), (3, message(*[(2, message((1, size))) for size in sizes])))


def saved_model(folder: Path, signatures: dict[str, bytes], tags: tuple[str, ...] = ("serve",)) -> Path:
    graph = message((1, message(*[(4, tag) for tag in tags], (5, "2.0.0"))), *[(5, entry(k, v)) for k, v in signatures.items()])
    folder.mkdir(exist_ok=True)
    (folder / "saved_model.pb").write_bytes(message((1, 1), (2, graph)))
    return folder


def test_several_signatures_leave_the_choice_to_the_user() -> None:
    found = facts("saved")
    assert found.inputs == () and found.details["signature"] == ""
    second = found.details["signatures"]["second"]
    assert second["inputs"] == [{"name": "img", "shape": [None, None, None, 3], "dtype": "uint8"}]
    assert [o["name"] for o in second["outputs"]] == ["w", "z"]
    assert found.details["tags"] == ["serve"] and found.details["variables"] and found.operators["Placeholder"] == 3


def test_serving_default_is_the_one(tmp_path: Path) -> None:
    signature = message((1, entry("x", info("x:0", 1, -1, 3, 8, 8))), (2, entry("y", info("y:0", 9, 1, 5))))
    found = edgeroute_recognize(saved_model(tmp_path / "m", {"other": b"", "serving_default": signature, "__saved_model_init_op": b""}))
    assert found is not None and found.facts.details["signature"] == "serving_default"
    (x,), (y,) = found.facts.inputs, found.facts.outputs
    assert (x.shape, x.dtype, x.layout) == ((None, 3, 8, 8), "float32", "NCHW") and (y.shape, y.dtype) == ((1, 5), "int64")
    assert "__saved_model_init_op" not in found.facts.details["signatures"]


@pytest.mark.parametrize("content", [b"\xff", b"\x12\x7f", b"", message((1, 1)), b"not a protobuf at all"])
def test_damaged_savedmodels(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        edgeroute_recognize(tmp_path)
    assert caught.value.code == "savedmodel-damaged" and caught.value.remedy


def test_a_frozen_graph() -> None:
    found = facts("frozen.pb")
    (x,) = found.inputs
    assert (x.name, x.shape, x.dtype, x.layout) == ("x", (1, 28, 28, 1), "float32", "NHWC")
    assert [t.name for t in found.outputs] == ["Identity"] and found.operators["Conv2D"] == 1


def test_operators_that_reach_outside_are_named(tmp_path: Path) -> None:
    nodes = [message((1, name), (2, name)) for name in ("Const", "Placeholder", "ReadFile")]
    (tmp_path / "g.pb").write_bytes(message(*[(1, node) for node in nodes]))
    found = edgeroute_recognize(tmp_path / "g.pb")
    assert found is not None and found.facts.details["outside"] == ["ReadFile"]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_flipped_savedmodels_give_an_error_or_an_answer(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed-saved"
    if not folder.exists():
        shutil.copytree(FILES / "saved", folder)
    content = bytearray((FILES / "saved" / "saved_model.pb").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "saved_model.pb").write_bytes(bytes(content))
    try:
        edgeroute_recognize(folder)
    except SourceError as error:
        assert error.remedy
