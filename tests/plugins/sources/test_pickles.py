"""The inert reader of pickles agrees with pickle on data, and takes anything else without harm."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute_plugins.sources import pickles
from edgeroute_plugins.sources.pickles import Call, Global, Pairs, Stored, Unreadable, read_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def revive(value: Any) -> Any:
    if isinstance(value, Pairs):
        return {key: revive(content) for key, content in value.items}
    if isinstance(value, (list, tuple)):
        return type(value)(map(revive, value))
    return value


@settings(max_examples=150, deadline=None)
@given(PLAIN, st.integers(2, pickle.HIGHEST_PROTOCOL))
def test_plain_data_reads_as_pickle_reads_it(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol=protocol)
    found = read_pickle(b"before" + data + b"after", 6)
    assert found.end == 6 + len(data)
    if protocol >= 3:
        assert revive(found.root) == value and found.globals == ()


def test_calls_are_kept_and_not_made() -> None:
    found = read_pickle(pickle.dumps(complex(1, 2), 2))
    assert isinstance(found.root, Call) and found.root.function == Global("__builtin__", "complex") and found.root.arguments == (1.0, 2.0)
    assert found.globals == (Global("__builtin__", "complex"),)


def test_references_to_the_outside_are_kept() -> None:
    found = read_pickle(b"\x80\x02(X\x07\0\0\0storageK\x05tQ.")
    assert isinstance(found.root, Stored) and found.root.identity == ("storage", 5)


def test_extensions_count_as_foreign() -> None:
    assert [str(g) for g in read_pickle(b"\x80\x02\x82\x07.").globals] == ["copyreg extension.7"]


def test_a_name_made_at_run_time_is_mentioned() -> None:
    found = read_pickle(b"\x80\x04\x8c\x02os\x8c\x06system\x93.")
    assert found.globals == (Global("os", "system"),)


def test_too_many_instructions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MOST_OPCODES", 100)
    with pytest.raises(Unreadable, match="too many"):
        read_pickle(b"\x80\x02" + b"N0" * 100 + b"N.")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_unreadable_or_inert(noise: bytes) -> None:
    for data in (noise, b"\x80\x04" + noise, noise + b"."):
        try:
            read_pickle(data)
        except Unreadable as error:
            assert str(error)
