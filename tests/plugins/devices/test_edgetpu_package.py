"""Compiled files, read offline: the numbers of the package, and hostile bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute_plugins.devices.edgetpu_package import Package, Unreadable, read_package
from tests.plugins.devices.builder import package


def test_what_the_compiler_says() -> None:
    found = read_package(package(runtime=13, cached=640, streamed=32))
    assert (found.min_runtime, found.compiler, found.cached_bytes, found.streamed_bytes) == (13, "cl/", 640, 32)
    assert [e.kind for e in found.executables] == ["execution-only", "parameter-caching"]


def test_options_without_a_package_say_so() -> None:
    with pytest.raises(Unreadable, match="no DWN1 package"):
        read_package(b"\x01\x02\x03")


@given(st.integers(0, len(package()) - 1))
def test_a_truncated_package_is_unreadable_or_whole(length: int) -> None:
    try:
        assert isinstance(read_package(package()[:length]), Package)
    except Unreadable as error:
        assert str(error)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(package()) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_a_damaged_package_raises_nothing_else(changes: list[tuple[int, int]]) -> None:
    data = bytearray(package())
    for place, value in changes:
        data[place] = value
    try:
        read_package(bytes(data))
    except Unreadable as error:
        assert str(error)


@given(st.binary(max_size=200))
def test_random_bytes_behind_the_identifier(data: bytes) -> None:
    try:
        read_package(b"\0\0\0\0DWN1" + data)
    except Unreadable as error:
        assert str(error)
