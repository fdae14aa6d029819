"""What steps of one tool share: read where it is whole, worked out again where it is not, never an obstacle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeroute.types import Calibration
from edgeroute_plugins.memo import Arrays, name_of, remembered

KEPT = {"model/conv;bias:0": np.array([0.1, -3e38], np.float64), "count": np.array(7)}


def counted(calls: list[int]) -> Callable[[], Arrays]:
    def work() -> Arrays:
        calls.append(1)
        return KEPT

    return work


def test_the_second_time_nothing_is_worked_out(tmp_path: Path) -> None:
    calls: list[int] = []
    for _ in range(2):
        found = remembered(tmp_path, "ranges", counted(calls))
        assert {name: a.tolist() for name, a in found.items()} == {name: a.tolist() for name, a in KEPT.items()}
    assert calls == [1] and [p.name for p in tmp_path.iterdir()] == ["ranges.npz"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"nonsense"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "ranges.npz").write_bytes(damage)
    calls: list[int] = []
    remembered(tmp_path, "ranges", counted(calls))
    remembered(tmp_path, "ranges", counted(calls))
    assert calls == [1]


def test_half_a_file_is_made_anew(tmp_path: Path) -> None:
    calls: list[int] = []
    remembered(tmp_path, "ranges", counted(calls))
    whole = (tmp_path / "ranges.npz").read_bytes()
    (tmp_path / "ranges.npz").write_bytes(whole[: len(whole) // 2])
    remembered(tmp_path, "ranges", counted(calls))
    assert calls == [1, 1]


@pytest.mark.parametrize("folder", [None, Path("gone/away")])
def test_without_a_folder_it_is_worked_out_every_time(folder: Path | None) -> None:
    calls: list[int] = []
    for _ in range(2):
        assert remembered(folder, "ranges", counted(calls)) is KEPT
    assert calls == [1, 1]


def test_the_name_tells_model_samples_and_settings_apart() -> None:
    samples = Calibration(Path("here"), ("x",), 10, 2, sha256="a")
    moved = Calibration(Path("there"), ("x",), 10, 2, sha256="a")
    fewer = Calibration(Path("here"), ("x",), 10, 4, sha256="a")
    others = Calibration(Path("here"), ("x",), 10, 2, sha256="b")
    assert name_of(b"m", samples, 200) == name_of(b"m", moved, 200)
    names = [name_of(b"m", s, n) for s in (samples, fewer, others, None) for n in (200, 50)] + [name_of(b"n", samples, 200)]
    assert len(set(names)) == len(names)
