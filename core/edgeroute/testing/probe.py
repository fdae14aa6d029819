"""The child's side of the contract suite: what an import drags in, and what a converter touches. Standard library only."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeroute.types import Json

LIGHT = frozenset({"edgeroute", "pluggy", "__main__", "__mp_main__"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = {
    "os.mkdir": (0,), "os.rmdir": (0,), "os.remove": (0,), "os.rename": (0, 1), "os.truncate": (0,), "os.symlink": (1,), "os.link": (1,),
    "shutil.rmtree": (0,), "shutil.move": (0, 1), "shutil.copyfile": (1,), "shutil.copytree": (1,),
}  # fmt: skip
"""Audit events that change a file system → which of their arguments are paths."""


def imports(module: str) -> dict[str, Json]:
    """Import a module, and say what came with it beside the standard library, edgeroute and pluggy, and how long that took."""
    importlib.import_module("edgeroute.hookspecs")
    before = set(sys.modules)
    started = time.perf_counter()
    importlib.import_module(module)
    seconds = time.perf_counter() - started
    own = module.partition(".")[0]
    tops = {name.partition(".")[0] for name in set(sys.modules) - before}
    heavy = sorted(tops - LIGHT - {own} - set(sys.stdlib_module_names))
    return {"seconds": seconds, "heavy": [name for name in heavy if not name.startswith("_")]}


def watched(function: str, arguments: Mapping[str, Json], options_type: str, allowed: list[str]) -> dict[str, Json]:
    """Run a converter as the worker does, and name every path outside of the allowed folders that Python changed meanwhile."""
    from edgeroute import worker

    folders = [Path(f).resolve() for f in allowed]
    strays: set[str] = set()
    here = Path.cwd()

    def look(event: str, values: tuple[Any, ...]) -> None:
        for path in _changed(event, values):
            if not _within(here / path, folders):
                strays.add(f"{event} {path}")

    sys.addaudithook(look)
    job = {"function": function, "arguments": dict(arguments), "options_type": options_type}
    try:
        facts = worker.convert(job, here)
    finally:
        gone = Path.cwd() if Path.cwd() != here else None
    return {"strays": sorted(strays), "moved_to": str(gone) if gone else "", "facts": facts}


def _changed(event: str, values: tuple[Any, ...]) -> list[str]:
    if event == "open":
        path, mode, flags = values[0], values[1], values[2]
        writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & WRITING)
        return [os.fsdecode(path)] if writes and isinstance(path, (str, bytes)) else []
    return [os.fsdecode(values[i]) for i in CHANGING.get(event, ()) if isinstance(values[i], (str, bytes, os.PathLike))]


def _within(path: Path, folders: list[Path]) -> bool:
    text = os.path.normpath(path)
    if text.startswith(("/dev/", "/proc/")) or "__pycache__" in text:
        return True
    return any(text == str(f) or text.startswith(f"{f}{os.sep}") for f in folders)
