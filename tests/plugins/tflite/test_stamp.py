"""A text goes into a file and comes out again, and every byte of the model stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import SourceError
from edgeroute_plugins.tflite import reader, stamp
from tests.plugins.tflite.flat import Scalar, code, model, operator, table, tensor, write
from tests.plugins.tflite.test_run import ask

MODELS = sorted(Path(__file__).with_name("models").glob("*.tflite"))
PLAIN = model([tensor("x"), tensor("y")], [operator(0, [0], [1])], [code(0)])


def there_and_back(original: bytes, text: str, folder: Path) -> tuple[bytes, str, bytes]:
    """The stamped bytes, and what comes out of them."""
    for name in ("before", "after", "back"):
        (folder / name).unlink(missing_ok=True)
    (folder / "before").write_bytes(original)
    stamp.stamp(folder / "before", folder / "after", text)
    said = stamp.unstamp(folder / "after", folder / "back")
    return (folder / "after").read_bytes(), said, (folder / "back").read_bytes()


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_kind_of_file_keeps_its_bytes_and_its_model(path: Path, tmp_path: Path) -> None:
    original = path.read_bytes()
    stamped, said, back = there_and_back(original, '{"a": 1}', tmp_path)
    assert (said, back) == ('{"a": 1}', original)
    before, after = reader.parse(original), reader.parse(stamped)
    assert (after.subgraphs, after.signatures, after.version, after.description) == (
        before.subgraphs,
        before.signatures,
        before.version,
        before.description,
    )
    assert after.metadata == {**before.metadata, "edgeroute.provenance": b'{"a": 1}'}
    assert stamped[-len(original) :] == original and (len(stamped) - len(original)) % 64 == 0


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    assert stamp.stamped(PLAIN, text)[-len(PLAIN) :] == PLAIN
    assert reader.parse(stamp.stamped(PLAIN, text)).metadata["edgeroute.provenance"] == text.encode()


def test_a_second_stamp_covers_the_first(tmp_path: Path) -> None:
    once, _, _ = there_and_back(PLAIN, "one", tmp_path)
    _, said, back = there_and_back(once, "two", tmp_path)
    assert (said, back) == ("two", once)
    assert there_and_back(back, "x", tmp_path)[2] == once


def test_a_file_without_a_stamp_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(PLAIN)
    assert stamp.unstamp(tmp_path / "plain", tmp_path / "back") == ""
    assert not (tmp_path / "back").exists()


def test_a_change_in_front_of_the_model_is_noticed(tmp_path: Path) -> None:
    whole = bytearray(stamp.stamped(PLAIN, "origin"))
    changes = [b for b in range(len(whole) - len(PLAIN)) if b not in range(4, 8)]
    for place in changes:
        damaged = bytes(whole[:place]) + bytes([whole[place] ^ 1]) + bytes(whole[place + 1 :])
        (tmp_path / "file").write_bytes(damaged)
        try:
            said = stamp.unstamp(tmp_path / "file", tmp_path / "back")
        except SourceError as error:
            assert error.code == "stamp-broken"
            continue
        assert said != "origin", f"byte {place}"


def test_a_rewritten_file_is_noticed(tmp_path: Path) -> None:
    """An editor that keeps the metadata but writes the file anew."""
    entry = table({0: "edgeroute.provenance", 1: Scalar("I", 1)})
    buffers = [{}, table({0: b"origin"})]
    rewritten = model([tensor("x"), tensor("y")], [operator(0, [0], [1])], [code(0)], buffers=buffers, metadata=[entry])
    (tmp_path / "file").write_bytes(rewritten)
    with pytest.raises(SourceError) as caught:
        stamp.unstamp(tmp_path / "file", tmp_path / "back")
    assert caught.value.code == "stamp-broken"


@pytest.mark.parametrize(
    "original",
    [
        model([tensor("x"), tensor("y")], [operator(0, [0], [1], large=(4096, 16))], [code(32, custom="c")]),
        model(
            [tensor("x"), tensor("y")], [operator(0, [0], [1])], [code(0)], buffers=[{}, table({1: Scalar("Q", 4096), 2: Scalar("Q", 8)})]
        ),
        write(table({0: Scalar("I", 3), 9: Scalar("I", 7)})),
        b"\x00\x00\x01\x00TFL3" + bytes(16),
    ],
    ids=["custom-options-behind", "weights-behind", "unknown-field", "damaged"],
)
def test_what_counts_from_the_files_start_is_left_alone(original: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(original)
    with pytest.raises(SourceError) as caught:
        stamp.stamp(tmp_path / "file", tmp_path / "out", "x")
    assert caught.value.code == "stamp-unfit" and caught.value.remedy
    assert not (tmp_path / "out").exists()


@pytest.mark.real
@pytest.mark.parametrize("name", ["float", "int8-pc", "int8-pt", "signatures", "half", "dynamic-batch"])
def test_the_interpreter_takes_it_and_computes_the_same(name: str, tmp_path: Path) -> None:
    path = Path(__file__).with_name("models") / f"{name}.tflite"
    stamp.stamp(path, tmp_path / "stamped.tflite", "x" * 5001)
    assert ask(tmp_path, "answers", model=str(path)) == ask(tmp_path, "answers", model=str(tmp_path / "stamped.tflite"))
