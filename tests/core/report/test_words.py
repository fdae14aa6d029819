"""Names from files become harmless, numbers readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.report import words
from tests.core.report.sample import ESCAPES, SURROGATE


@given(st.text(st.characters(), max_size=60))
def test_clean_text_moves_no_cursor_and_can_be_written(text: str) -> None:
    clean = words.clean(text)
    assert not {unicodedata.category(c) for c in clean} & words.UNSAFE
    clean.encode("utf-8")


def test_clean_shows_what_was_hidden() -> None:
    assert words.clean(ESCAPES) == "conv\\x1b[2J\\x1b[31m\\u{202e}gnp.exe\\n\\rhead"
    assert words.clean(SURROGATE) == "bad\\u{dc80}name"
    assert words.clean("图像/größe") == "图像/größe"


@given(st.text(max_size=80), st.integers(0, 40))
def test_shortened_text_fits(text: str, columns: int) -> None:
    clean = words.clean(text)
    short = words.shorten(clean, columns)
    assert words.width(short) <= columns
    if words.width(clean) <= columns:
        assert short == clean


def test_the_middle_gives_way() -> None:
    short = words.shorten("model/backbone/stage3/conv", 14)
    assert short.startswith("model") and short.endswith("3/conv") and len(short) == 14


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04, "0.04 s"), (12.34, "12.3 s"), (59.99, "60.0 s"), (185, "3 min 05 s"), (3725, "1 h 02 min"), (None, "–"), (True, "–")],
)
def test_seconds(value: object, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 %"), (0.0001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %"), (None, "–")],
)
def test_a_share_never_rounds_something_to_nothing(value: object, text: str) -> None:
    assert words.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (999, "999 B"), (130406, "130 kB"), (3480000, "3.48 MB"), (999_900_000, "1e+03 MB")]
)
def test_sizes_are_decimal(value: int, text: str) -> None:
    assert words.size(value) == ("1000 MB" if text == "1e+03 MB" else text)


def test_shapes_show_open_dimensions() -> None:
    assert words.shape([1, 3, None]) == "1×3×?"
    assert words.shape([]) == "scalar"


def test_labels_keep_acronyms() -> None:
    assert words.label("parameter_bytes") == "Parameter bytes"
    assert words.label("macs") == "MACs"
    assert words.label("calibration_sha256") == "Calibration SHA-256"


def test_a_place_in_a_model_is_told_by_name_and_index() -> None:
    assert words.any_value([{"subgraph": 0, "index": 4, "name": "MUL", "tensor": "x"}]) == "MUL #4"
