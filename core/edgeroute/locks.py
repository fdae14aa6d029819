"""One builder at a time, across processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold an exclusive lock; `waiting` is called once if somebody else has it. Yields the descriptor that holds it.

    The lock belongs to the descriptor: hand it to child processes (`pass_fds`), and it is held until the last of them has ended,
    even if this process is killed. The file itself stays; removing it would let two builders hold two different locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, waiting)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, waiting: Callable[[], None]) -> None:
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not told:
                waiting()
                told = True
            time.sleep(0.1)
