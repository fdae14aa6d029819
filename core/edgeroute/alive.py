"""Whether the process that left something behind still lives: it holds a lock on a file for as long as it does, however it ends.

A lock, not a process number: those are given out again, and mean nothing across containers that share a home folder.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import weakref
from pathlib import Path


class Presence:
    """A file that this object keeps locked until it is gone; `token` names it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.token = f"{os.getpid()}-{secrets.token_hex(4)}"
        path = folder / f"{self.token}.lock"
        descriptor = _locked(path)
        self._leave = weakref.finalize(self, _leave, descriptor, path)


def is_alive(folder: Path, token: str) -> bool:
    """Whether somebody holds the lock of this token; a lock that nobody holds any more is removed."""
    path = folder / f"{token}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _locked(path: Path) -> int:
    """Make the file and lock it; once more where somebody took it for an old one in between."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
        os.close(descriptor)


def _leave(descriptor: int, path: Path) -> None:
    path.unlink(missing_ok=True)
    os.close(descriptor)
