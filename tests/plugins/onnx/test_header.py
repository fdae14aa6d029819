"""The reader of ONNX files: structure without weights, damage without crashes, external data without surprises."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute.errors import SourceError
from edgeroute_plugins import wire
from edgeroute_plugins.onnx import decode, header
from edgeroute_plugins.onnx.external import external_files
from edgeroute_plugins.onnx.facts import facts_of
from tests.plugins.onnx.graphs import INT64, attribute, convolution, graph, model, node, tensor, value, zeros
from tests.plugins.wire_writer import message, packed

EMPTY = graph([], [], [value("x")])


def test_reads_the_structure() -> None:
    found = header.parse(convolution())
    assert (found.ir_version, found.opset, found.producer, found.graph.name) == (8, 17, "test 1.0", "main")
    assert [n.op_type for n in found.graph.nodes] == ["Conv", "Relu", "Flatten", "Gemm"]
    conv, gemm = found.graph.nodes[0], found.graph.nodes[3]
    assert (conv.name, conv.inputs, conv.attributes["pads"].ints) == ("stem", ("image", "w", "b"), (1, 1, 1, 1))
    assert gemm.inputs == ("f", "g", "") and gemm.attributes["alpha"].f == 1.0
    weights = found.graph.initializers["w"]
    assert (weights.shape, weights.dtype, weights.stored, weights.is_external) == ((4, 3, 3, 3), "float32", 432, False)


def test_initializers_that_are_listed_as_inputs_are_none() -> None:
    assert [v.name for v in header.parse(convolution()).graph.inputs] == ["image"]


def test_open_dimensions_and_unknown_ranks() -> None:
    values = [value("a", ("N", 3, None, 0)), value("b", None), value("c", (), INT64)]
    found = header.parse(model(graph([node("X", ["a"], ["b"])], values, [value("b", None)]))).graph
    assert [v.shape for v in found.inputs] == [("N", 3, None, 0), None, ()]
    assert found.inputs[2].dtype == "int64"


def test_numbers_may_be_packed_or_not() -> None:
    loose = message((1, "k"), (8, 3), (8, -1), (7, 0.5), (7, -2.0))
    tight = message((1, "k"), (8, packed([3, -1])), (7, b"\0\0\0\x3f\0\0\0\xc0"))
    for encoded in (loose, tight):
        found = header.parse(model(graph([node("X", [], ["y"], encoded)], [], [value("y")]))).graph.nodes[0].attributes["k"]
        assert (found.ints, found.floats) == ((3, -1), (0.5, -2.0))


def test_subgraphs_and_functions_are_part_of_the_model() -> None:
    inner = graph([node("Neg", ["x"], ["z"])], [], [value("z")], [tensor("deep", (2,))])
    outer = graph([node("If", ["c"], ["y"], attribute("then_branch", inner, field=6))], [value("c", (), 9)], [value("y")])
    function = message((1, "Swish"), (7, node("Sigmoid", ["x"], ["y"])), (10, "mine"))
    found = header.parse(model(outer, functions=[function], domains={"mine": 1}))
    assert [g.name for g in found.graph.walk()] == ["main", "main"]
    assert [t.name for t in found.tensors()] == ["deep"]
    facts = facts_of(found)
    assert facts.operators == {"If": 1, "Neg": 1, "Sigmoid": 1}
    assert facts.details["functions"] == ["mine.Swish"] and facts.details["control_flow"] == {"If": 1}


def test_foreign_operators_carry_their_domain() -> None:
    made = model(
        graph(
            [node("Gelu", ["x"], ["y"], domain="com.microsoft"), node("Relu", ["y"], ["z"], domain="ai.onnx")], [value("x")], [value("z")]
        )
    )
    facts = facts_of(header.parse(made))
    assert facts.operators == {"com.microsoft.Gelu": 1, "Relu": 1} and facts.details["domains"] == ["com.microsoft"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no graph"),
        (message((1, 8)), "no graph"),
        (message((1, 0), (7, EMPTY)), "IR version is 0"),
        (message((1, 900), (7, EMPTY)), "IR version is 900"),
        (message((1, 8), (7, EMPTY)), "imports 0 operator sets"),
        (message((1, 8), (7, graph([], [], []))), "no graph"),
        (model(graph([node("", ["x"], ["y"])], [], [])), "node 0 has no operator"),
        (convolution()[:-3], "missing|middle"),
        (message((1, 8), (7, 5)), "number stands where bytes belong"),
        (message((1, "text"), (7, EMPTY)), "bytes stand where a number belongs"),
        (b"\x08\x08\x3c", "wire type"),
        (b"\x08" + b"\xff" * 11, "64 bits"),
        (b"\x00\x00", "number 0"),
        (model(graph([node("X", [], [], message((1, "f"), (7, b"123")))], [], [])), "broken length"),
    ],
)
def test_damage_is_named_with_a_remedy(content: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=why) as caught:
        header.parse(content)
    assert caught.value.code == "onnx-damaged" and caught.value.remedy


def test_graphs_nested_without_end_are_refused() -> None:
    inner = graph([], [], [])
    for _ in range(decode.DEEPEST + 2):
        inner = graph([node("If", [], [], attribute("g", inner, field=6))], [], [])
    with pytest.raises(SourceError, match="nested"):
        header.parse(model(inner))


def test_more_fields_than_any_model_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_FIELDS", 100)
    monkeypatch.setattr(wire.Budget.__init__, "__defaults__", (100,))
    with pytest.raises(SourceError, match="more fields"):
        header.parse(model(graph([node("Relu", ["x"], ["x"])] * 50, [], [])))


def test_a_missing_file_is_an_error_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        header.read(tmp_path / "none.onnx")
    assert caught.value.code == "source-unreadable"


def check(folder: Path, **external: str) -> tuple[Path, ...]:
    path = folder / "model.onnx"
    path.write_bytes(convolution(external=external))
    return external_files(path, header.read(path))


def test_external_data_is_found(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "all.data").write_bytes(b"\0" * 64 + zeros(108))
    assert check(tmp_path, location="weights/all.data", offset="64", length="432") == (tmp_path / "weights" / "all.data",)
    assert check(tmp_path, location="weights/all.data") == (tmp_path / "weights" / "all.data",)


def test_external_data_beyond_two_gigabytes(tmp_path: Path) -> None:
    start = 5 << 30
    with (tmp_path / "big.data").open("wb") as file:
        file.truncate(start + 432)
    assert check(tmp_path, location="big.data", offset=str(start), length="432")
    with pytest.raises(SourceError, match="too short"):
        check(tmp_path, location="big.data", offset=str(start), length="433")


def test_external_data_missing_or_short(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing: model\.data") as caught:
        check(tmp_path, location="model.data")
    assert caught.value.code == "onnx-external-data-missing"
    (tmp_path / "model.data").write_bytes(b"\0" * 100)
    with pytest.raises(SourceError, match="too short") as caught:
        check(tmp_path, location="model.data", length="432")
    assert caught.value.code == "onnx-external-data-short"


@pytest.mark.parametrize(
    "location",
    ["../secret", "a/../../secret", "/etc/hostname", "C:\\secret", "..\\secret", "", "link", "folder/secret", ".", "pipe", "x\0y"],
)
def test_external_data_outside_the_folder_is_hostile(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(zeros(108))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    with pytest.raises(SourceError) as caught:
        check(folder, location=location)
    assert caught.value.code == "onnx-external-data-outside" and caught.value.remedy


@pytest.mark.parametrize("digits", ["-1", "1e3", "0x10", "9" * 30, "", "²"])
def test_places_of_external_data_are_plain_numbers(tmp_path: Path, digits: str) -> None:
    (tmp_path / "d").write_bytes(zeros(108))
    with pytest.raises(SourceError, match="not a number"):
        check(tmp_path, location="d", offset=digits)


def _read_and_measure(content: bytes) -> None:
    try:
        found = header.parse(content)
    except SourceError as error:
        assert error.remedy
        return
    facts_of(found, len(content))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_flipped_bytes_give_an_error_or_a_model(data: st.DataObject) -> None:
    content = bytearray(convolution())
    content = content[:200] + content[-600:] if data.draw(st.booleans()) else content
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    _read_and_measure(bytes(content))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(convolution())))
def test_truncated_files_give_an_error_or_a_model(length: int) -> None:
    _read_and_measure(convolution()[:length])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_noise_gives_an_error_or_a_model(noise: bytes) -> None:
    _read_and_measure(noise)
    _read_and_measure(message((1, 8), (7, noise)))
