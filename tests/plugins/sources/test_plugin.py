"""Every source kind is told by its content, whatever it is called; other files are left to others."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Recognition, to_json
from edgeroute_plugins.sources.plugin import edgeroute_formats, edgeroute_recognize

FILES = Path(__file__).with_name("files")
KINDS = {
    "sequential.keras": "keras",
    "functional.keras": "keras",
    "functional.h5": "keras-h5",
    "only.weights.h5": "keras-h5",
    "saved": "savedmodel",
    "frozen.pb": "graphdef",
    "exported.pt2": "torch-exported",
    "script.pt": "torchscript",
    "state.pt": "torch-state",
    "state-legacy.pt": "torch-state",
    "checkpoint.pt": "torch-state",
    "module.pt": "torch-module",
    "checkpoint-module.pt": "torch-module",
    "weights.safetensors": "safetensors",
}


def recognise(name: str) -> Recognition:
    found = edgeroute_recognize(FILES / name)
    assert found is not None
    return found


def facts(name: str) -> Facts:
    return recognise(name).facts


@pytest.mark.parametrize(("name", "format"), KINDS.items())
def test_every_kind_is_told_by_its_content(name: str, format: str, tmp_path: Path) -> None:
    assert recognise(name).format == format
    json.dumps(to_json(recognise(name).facts), allow_nan=False)
    if (FILES / name).is_file():
        disguised = shutil.copy(FILES / name, tmp_path / "model.onnx")
        found = edgeroute_recognize(Path(disguised))
        assert found is not None and found.format == format


def test_every_kind_has_a_format() -> None:
    formats = {f.name: f for f in edgeroute_formats()}
    assert set(KINDS.values()) | {"cavalry-cv25", "cavalry-cv75"} == set(formats)
    assert formats["savedmodel"].suffix == "" and formats["cavalry-cv25"].precision == "opaque"


@pytest.mark.parametrize(
    "content",
    [
        b"plain text, not a model",
        b"\x1c\0\0\0TFL3" + b"\0" * 20,
        b"\x08\x08\x12\x04test",
        b"\x80\x04\x95\x05\0\0\0\0\0\0\0K\x01.",
        b"\x0a\x05hello",
        b"\x0a",
        b"x",
        bytes(range(256)),
    ],
)
def test_other_files_are_left_to_others(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    assert edgeroute_recognize(tmp_path / "model.pt") is None


def test_other_folders_are_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "image.jpg").write_bytes(b"x")
    assert edgeroute_recognize(tmp_path) is None


def test_the_graph_of_a_savedmodel_is_not_the_whole() -> None:
    with pytest.raises(SourceError) as caught:
        edgeroute_recognize(FILES / "saved" / "saved_model.pb")
    assert caught.value.code == "savedmodel-inside" and str(FILES / "saved") in caught.value.remedy


@pytest.mark.parametrize(("head", "kind"), [("0800020203000000", "cavalry-cv25"), ("030003008eea5d0eefbeedfe09000000", "cavalry-cv75")])
def test_compiled_models_of_ambarella(tmp_path: Path, head: str, kind: str) -> None:
    (tmp_path / "net.bin").write_bytes(bytes.fromhex(head) + b"\0" * 64 + b"net_prim_split_0\0images\0output0\0" + b"\1" * 100)
    found = edgeroute_recognize(tmp_path / "net.bin")
    assert found is not None and found.format == kind
    assert found.facts.details["names"] == ["net_prim_split_0", "images", "output0"]


def test_safetensors_facts() -> None:
    details = facts("weights.safetensors").details
    assert (details["tensors"], details["parameters"], details["weight_dtypes"]) == (4, 122, {"float32": 4})
    assert details["keys"] == ["c.bias", "c.weight", "f.bias", "f.weight"]


def safetensors(header: object, numbers: int = 0) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * numbers


@pytest.mark.parametrize(
    "content",
    [
        safetensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, 8),
        safetensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [8, 0]}}, 16),
        safetensors({"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}}, 16),
        safetensors({"a": {"dtype": "F32"}}),
        safetensors({"a": 5}),
        struct.pack("<Q", 100) + b'{"a": 1}',
        struct.pack("<Q", 20) + b'{"a": [[[[[[[[[[[[[[[',
    ],
)
def test_damaged_safetensors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        edgeroute_recognize(tmp_path / "w.safetensors")
    assert caught.value.code == "safetensors-damaged" and caught.value.remedy


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from([n for n in KINDS if n != "saved"]), data=st.data())
def test_flipped_and_cut_files_give_an_error_or_an_answer(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    content = bytearray((FILES / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(1, len(content)))]
    path = tmp_path_factory.getbasetemp() / "fuzzed.bin"
    path.write_bytes(bytes(content))
    try:
        edgeroute_recognize(path)
    except SourceError as error:
        assert error.remedy
