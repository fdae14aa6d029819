"""The reader on real files, on files from the edges of the schema, and on files that mean harm."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeroute.errors import SourceError
from edgeroute_plugins.tflite import flatbuffer, reader
from tests.plugins.tflite.flat import Scalar, code, model, operator, table, tensor, write

MODELS = Path(__file__).with_name("models")
FILES = sorted(MODELS.glob("*.tflite"))
ADD, CONV, CUSTOM = 0, 3, 32


def test_reads_tensors_operators_and_options() -> None:
    found = reader.read(MODELS / "int8-pc.tflite")
    graph = found.subgraphs[0]
    conv = next(o for o in graph.operators if o.name == "CONV_2D")
    assert (found.version, found.description) == (3, "MLIR Converted.")
    assert conv.options["padding"] == "SAME" and conv.options["stride_h"] == 2 and conv.options["dilation_w_factor"] == 1
    assert conv.options["fused_activation"] == "RELU" and conv.version == 3
    weights = graph.tensors[conv.inputs[1]]
    assert (weights.shape, weights.dtype, weights.axis) == ((4, 3, 3, 3), "int8", 0)
    assert weights.is_constant and weights.is_per_channel and len(weights.scale) == len(weights.zero_point) == 4
    assert len(weights.data) == 108
    image = graph.tensors[graph.inputs[0]]
    assert (image.dtype, image.shape, image.is_constant) == ("uint8", (1, 8, 8, 3), False)


def test_reads_signatures_and_metadata() -> None:
    found = reader.read(MODELS / "signatures.tflite")
    assert [s.key for s in found.signatures] == ["first", "second"]
    first = found.signatures[0]
    names = {argument: found.subgraphs[first.subgraph].tensors[index].name for argument, index in first.inputs.items()}
    assert names == {"ant": "first_ant:0", "zebra": "first_zebra:0"}
    assert found.signatures[1].subgraph == 1
    assert found.metadata["min_runtime_version"].rstrip(b"\0") == b"2.3.0"


def test_open_dimensions_stand_in_the_signature() -> None:
    graph = reader.read(MODELS / "dynamic-batch.tflite").subgraphs[0]
    image = graph.tensors[graph.inputs[0]]
    assert image.shape == (1, 8, 8, 3) and image.shape_signature == (-1, 8, 8, 3) and image.is_dynamic


def test_old_files_keep_the_operator_in_a_byte() -> None:
    made = model([tensor("a"), tensor("b")], [operator(0, [0], [1])], [table({0: Scalar("b", CONV), 2: Scalar("i", 2)})])
    found = reader.parse(made).subgraphs[0].operators[0]
    assert (found.name, found.version) == ("CONV_2D", 2)


def test_an_operator_newer_than_the_schema_keeps_its_number() -> None:
    made = model([tensor("a"), tensor("b")], [operator(0, [0, -1], [1])], [code(9999, old=127)])
    found = reader.parse(made).subgraphs[0].operators[0]
    assert (found.name, found.inputs) == ("BUILTIN_9999", (0, -1))


def test_custom_operators_have_a_name_and_options() -> None:
    made = model([tensor("a"), tensor("b")], [operator(0, [0], [1], custom=b"\1\2")], [code(CUSTOM, custom="FlexErf")])
    found = reader.parse(made).subgraphs[0].operators[0]
    assert (found.label, found.name, found.custom_code, found.custom_options) == ("FlexErf", "CUSTOM", "FlexErf", b"\1\2")


def test_buffers_beyond_two_gigabytes_stand_at_an_offset() -> None:
    def build(offset: int, size: int) -> bytes:
        buffers = [{}, table({1: Scalar("Q", offset), 2: Scalar("Q", size)})]
        parts = [tensor("a"), tensor("b", buffer=1), tensor("c")]
        return model(parts, [operator(0, [0, 1], [2], large=(offset, size))], [code(CUSTOM, custom="x")], outputs=(2,), buffers=buffers)

    numbers = struct.pack("<4f", 1, 2, 3, 4)
    size = len(build(16, 16))
    graph = reader.parse(build(size, 16) + numbers).subgraphs[0]
    assert bytes(graph.tensors[1].data) == numbers and graph.tensors[1].is_constant
    assert graph.operators[0].custom_options == numbers
    with pytest.raises(SourceError, match="outside the file"):
        reader.parse(build(size, 17) + numbers)


def test_weights_in_another_file_are_constants_too() -> None:
    made = model([tensor("a"), tensor("w", external=1), tensor("b")], [operator(0, [0, 1], [2])], [code(ADD)], outputs=(2,))
    found = reader.parse(made).subgraphs[0].tensors[1]
    assert found.is_external and found.is_constant and len(found.data) == 0


def test_mapped_and_read_files_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = reader.read(MODELS / "int8-pc.tflite")
    monkeypatch.setattr(reader, "MAPPED_FROM", 0)
    mapped = reader.read(MODELS / "int8-pc.tflite")
    assert mapped == plain
    assert [bytes(t.data) for t in mapped.subgraphs[0].tensors] == [bytes(t.data) for t in plain.subgraphs[0].tensors]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (b"", "empty"),
        (b"\0" * 7, "TFL3"),
        (b"\x08\0\0\0TFL3", "outside"),
        (b"\xff\xff\xff\x7fTFL3" + b"\0" * 64, "outside"),
        (write(table({0: Scalar("I", 3)})), "no graph"),
        (model([tensor("a"), tensor("b")], [operator(1, [0], [1])], [code(ADD)]), "operator code 1"),
        (model([tensor("a"), tensor("b")], [operator(0, [2], [1])], [code(ADD)]), "tensor 2"),
        (model([tensor("a"), tensor("b")], [operator(0, [-2], [1])], [code(ADD)]), "tensor -2"),
        (model([tensor("a"), tensor("b", buffer=5)], [operator(0, [0], [1])], [code(ADD)]), "buffer 5"),
        (model([tensor("a"), tensor("b")], [], [], inputs=(7,)), "tensor 7"),
        (model([tensor("a"), tensor("b")], [], [], metadata=[table({0: "x", 1: Scalar("I", 9)})]), "buffer 9"),
        (model([tensor("a"), tensor("b")], [], [], signatures=[table({2: "s", 4: Scalar("I", 3)})]), "subgraph 3"),
    ],
)
def test_damage_is_named_with_a_remedy(made: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=why) as caught:
        reader.parse(made)
    assert caught.value.code == "tflite-damaged" and caught.value.remedy


def test_a_missing_file_is_an_error_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        reader.read(tmp_path / "none.tflite")
    assert caught.value.code == "source-unreadable"


def test_sharing_a_table_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of subgraphs that all point to one costs the attacker four bytes each."""
    monkeypatch.setattr(flatbuffer, "MOST_STEPS", 20_000)
    made = bytearray(model([tensor("a"), tensor("b")], [operator(0, [0], [1])] * 50, [code(ADD)], subgraphs=[{} for _ in range(900)]))
    root = struct.unpack_from("<I", made)[0]
    slot = struct.unpack_from("<H", made, root - struct.unpack_from("<i", made, root)[0] + 4 + 2 * 2)[0]
    graphs = root + slot + struct.unpack_from("<I", made, root + slot)[0]
    first = graphs + 4 + struct.unpack_from("<I", made, graphs + 4)[0]
    for index in range(901):
        struct.pack_into("<I", made, graphs + 4 + 4 * index, first - (graphs + 4 + 4 * index))
    with pytest.raises(SourceError, match="beyond reason"):
        reader.parse(bytes(made))


def test_huge_counts_cost_nothing() -> None:
    made = bytearray(model([tensor("a", shape=(1,)), tensor("b")], [operator(0, [0], [1])], [code(ADD)]))
    place = made.index(struct.pack("<II", 1, 1))
    struct.pack_into("<I", made, place, 0xFFFFFFFF)
    with pytest.raises(SourceError):
        reader.parse(bytes(made))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), data=st.data())
def test_flipped_bytes_give_an_error_or_a_model(file: Path, data: st.DataObject) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    _read_and_measure(bytes(content))


@settings(max_examples=150, deadline=None)
@given(file=st.sampled_from(FILES), data=st.data())
def test_truncated_files_give_an_error_or_a_model(file: Path, data: st.DataObject) -> None:
    content = file.read_bytes()
    _read_and_measure(content[: data.draw(st.integers(0, len(content)))])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_noise_gives_an_error_or_a_model(noise: bytes) -> None:
    _read_and_measure(noise[:4] + b"TFL3" + noise[4:])


def _read_and_measure(content: bytes) -> None:
    from edgeroute_plugins.tflite.certificate import certificate
    from edgeroute_plugins.tflite.facts import facts_of

    try:
        found = reader.parse(content)
    except SourceError as error:
        assert error.remedy
        return
    facts_of(found, len(content))
    certificate(found)


def test_importing_the_reader_is_cheap() -> None:
    program = "import sys; import edgeroute_plugins.tflite.reader; print(sorted(m for m in sys.modules if m.split('.')[0] in ('numpy', 'flatbuffers', 'ai_edge_litert')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_vectors_have_little_endian_counts() -> None:
    made = model([tensor("a", shape=(2, 3), scale=(0.5,)), tensor("b")], [], [])
    found = reader.parse(made).subgraphs[0].tensors[0]
    assert (found.shape, found.scale, found.zero_point) == ((2, 3), (0.5,), (0,))
