"""The global state of a process, as far as a plugin's hook could spoil it for its caller."""

from __future__ import annotations

import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def snapshot() -> Mapping[str, Any]:
    """What must be the same after a hook as before it."""
    return {
        "the working directory": Path.cwd(),
        "environment variables": dict(os.environ),
        "sys.path": tuple(sys.path),
        "the warning filters": tuple(warnings.filters),
        "the root logger": (logging.root.level, tuple(map(id, logging.root.handlers)), logging.root.manager.disable),
        "signal handlers": {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)},
        "the locale": locale.setlocale(locale.LC_ALL),
        "the seed of `random`": hash(random.getstate()),
        "sys.stdout, sys.stderr or a hook of sys": tuple(map(id, (sys.stdout, sys.stderr, sys.excepthook, sys.displayhook))),
        "the recursion limit": sys.getrecursionlimit(),
        "threads": frozenset(t.ident for t in threading.enumerate()),
        "the umask": _umask(),
    }


@contextmanager
def unchanged(doing: str) -> Iterator[None]:
    """Fail the test when the process is another one behind this block."""
    before = snapshot()
    yield
    after = snapshot()
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        pytest.fail(f"{doing} changed {', '.join(changed)} of the process that called it; do such work in run.py, which runs in a worker")


@contextmanager
def untouched(folder: Path, doing: str) -> Iterator[None]:
    """Fail the test when a folder holds other files behind this block."""
    before = contents(folder)
    yield
    after = contents(folder)
    strays = sorted(str(p) for p in before.keys() ^ after.keys()) + sorted(
        str(p) for p in before.keys() & after.keys() if before[p] != after[p]
    )
    if strays:
        pytest.fail(f"{doing} wrote, changed or removed {', '.join(strays)}; it may only read")


def contents(folder: Path) -> dict[Path, bytes]:
    return {p.relative_to(folder): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
