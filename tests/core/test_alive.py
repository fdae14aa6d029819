"""What a dead process left is told from what a living one works on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import edgeroute
from edgeroute.alive import Presence, is_alive
from edgeroute.cache import Cache

STAGE = """
import sys, time
from pathlib import Path
from edgeroute.cache import Cache
cache = Cache(Path(sys.argv[1]))
(cache.stage("k") / "half").write_text("half")
print("ready", flush=True)
time.sleep(60)
"""


@contextmanager
def another_process(root: Path) -> Iterator[subprocess.Popen[str]]:
    """One that has staged a folder and works on."""
    path = str(Path(edgeroute.__file__).parents[1])
    with subprocess.Popen([sys.executable, "-c", STAGE, str(root)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": path}) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        yield child
        child.kill()


def staged(root: Path) -> list[Path]:
    return sorted((root / "staging").iterdir())


def test_the_work_of_a_living_process_stays(tmp_path: Path) -> None:
    with another_process(tmp_path):
        assert Cache(tmp_path).sweep() == 0
        Cache(tmp_path).clear()
        assert (staged(tmp_path)[0] / "half").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_process_left_is_swept_away(tmp_path: Path, number: signal.Signals) -> None:
    with another_process(tmp_path) as child:
        child.send_signal(number)
        child.wait()
        assert len(staged(tmp_path)) == 1
        assert (Cache(tmp_path).sweep(), staged(tmp_path)) == (1, [])
        assert list((tmp_path / ".alive").iterdir()) == []


def test_ones_own_work_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    folder = cache.stage("k.with.dots")
    assert (cache.sweep(), Cache(tmp_path).sweep(), folder.exists()) == (0, 0, True)


def test_what_belongs_to_nobody_is_swept_away(tmp_path: Path) -> None:
    for name in ("k.4242.0", "odd"):
        (tmp_path / "staging" / name).mkdir(parents=True)
    assert Cache(tmp_path).sweep() == 2


def test_a_presence_ends_with_its_object(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    token = presence.token
    assert is_alive(tmp_path, token)
    del presence
    assert not is_alive(tmp_path, token)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_home_needs_no_sweep(tmp_path: Path) -> None:
    assert Cache(tmp_path / "none").sweep() == 0
    assert not (tmp_path / "none").exists()


def test_locks_are_no_entries(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.stage("k")
    assert dict(cache.info().entries) == {"staging": 1}
