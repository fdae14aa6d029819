"""The content-addressed store: the key is everything that decides a result, so an entry never goes stale.

<root>/<kind>/<key>/…            complete: entry.json was written last, and the folder renamed into place
<root>/memo/<key>/…              what steps of one tool work out and share; each looks after its own files in it
<root>/staging/<key>.<token>.<n> under way; what a killed process left there is garbage, and swept away by the next one
<root>/.alive/<token>.lock       held by a process for as long as it lives
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeroute.alive import Presence, is_alive
from edgeroute.errors import OutputError
from edgeroute.types import Json

ENTRY = "entry.json"
STAGING = "staging"
ALIVE = ".alive"
_numbers = itertools.count()


@dataclass(frozen=True)
class Entry:
    """One thing that was kept: its folder and what was written down about it."""

    folder: Path
    value: Mapping[str, Json]


@dataclass(frozen=True)
class CacheInfo:
    """How much is kept, by kind."""

    folder: Path
    entries: Mapping[str, int]
    bytes: Mapping[str, int]


class Cache:
    """Folders by kind (`steps`, `samples`, `outputs`, `failed`) and key; safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._presence: Presence | None = None

    @contextlib.contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Of several threads that need the same entry, one makes it and the others wait for it."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            yield

    def get(self, kind: str, key: str) -> Entry | None:
        folder = self.root / kind / key
        try:
            value = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        with contextlib.suppress(OSError):
            os.utime(folder / ENTRY)
        return Entry(folder, value)

    def stage(self, key: str) -> Path:
        """A new empty folder to work in; `put` moves it into the store, `drop` removes it."""
        with _writable(self.root):
            folder = self.root / STAGING / f"{key}.{self._token()}.{next(_numbers)}"
            folder.mkdir(parents=True)
        return folder

    def _token(self) -> str:
        with self._guard:
            self._presence = self._presence or Presence(self.root / ALIVE)
            return self._presence.token

    def sweep(self) -> int:
        """Remove what processes left in staging that ended before they were done; answers how many folders that were."""
        staging = self.root / STAGING
        left = [p for p in staging.iterdir() if not is_alive(self.root / ALIVE, _token_of(p))] if staging.is_dir() else []
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        return len(left)

    def put(self, kind: str, key: str, staged: Path, value: Mapping[str, Json]) -> Entry:
        """Move a staged folder into the store under its key; where another process was faster, its entry stays."""
        (staged / ENTRY).write_text(json.dumps(value, indent=1), encoding="utf-8")
        place = self.root / kind / key
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() and self.get(kind, key) is None:
            shutil.rmtree(place, ignore_errors=True)
        try:
            staged.rename(place)
        except OSError:
            if self.get(kind, key) is None:
                raise
            self.drop(staged)
        return Entry(place, value)

    def memo(self, key: str) -> Path:
        """The folder in which the steps of one tool keep what they can use again; made now if need be."""
        folder = self.root / "memo" / key
        with _writable(self.root):
            folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        return folder

    def amend(self, entry: Entry, value: Mapping[str, Json]) -> Entry:
        """Write down more about an entry (a verification that was made later), atomically."""
        merged = {**entry.value, **value}
        part = entry.folder / f"{ENTRY}.{os.getpid()}.part"
        part.write_text(json.dumps(merged, indent=1), encoding="utf-8")
        part.replace(entry.folder / ENTRY)
        return Entry(entry.folder, merged)

    def drop(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def info(self) -> CacheInfo:
        kinds = [p for p in sorted(self.root.glob("*")) if p.is_dir() and p.name != "environments" and not p.name.startswith(".")]
        return CacheInfo(
            self.root,
            {k.name: sum(1 for p in k.iterdir()) for k in kinds},
            {k.name: sum(p.stat().st_size for p in k.rglob("*") if p.is_file() and not p.is_symlink()) for k in kinds},
        )

    def clear(self, older_than_days: float = 0.0) -> CacheInfo:
        """Remove the entries not used for that long (all of them by default); environments and the work of others stay. Answers what was removed."""
        before = self.info()
        limit = time.time() - older_than_days * 86400
        self.sweep()
        for kind in before.entries.keys() - {STAGING}:
            for folder in (self.root / kind).iterdir():
                mark = folder / ENTRY if (folder / ENTRY).exists() else folder
                if older_than_days <= 0 or mark.stat().st_mtime < limit:
                    shutil.rmtree(folder, ignore_errors=True)
        after = self.info()
        return CacheInfo(
            self.root,
            {k: n - after.entries.get(k, 0) for k, n in before.entries.items()},
            {k: n - after.bytes.get(k, 0) for k, n in before.bytes.items()},
        )


@contextlib.contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Says what to do where edgeroute's own folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"edgeroute's own folder {root} cannot be written: {error.strerror}",
            remedy="free space or make it writable, or name another place: export EDGEROUTE_HOME=/some/folder",
            code="home-unwritable",
        ) from error


def _token_of(staged: Path) -> str:
    """`<key>.<token>.<n>` → token; anything else belongs to nobody."""
    parts = staged.name.rsplit(".", 2)
    return parts[1] if len(parts) == 3 else ""
