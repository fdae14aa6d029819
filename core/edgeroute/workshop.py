"""The values that a session works with: plugins, catalog, environments, cache; made once, passed along, never global."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import edgeroute
from edgeroute import paths, plugins
from edgeroute.cache import Cache
from edgeroute.catalog import Catalog, build
from edgeroute.environments import Environments
from edgeroute.jobs import run_job
from edgeroute.plugins import Plugins
from edgeroute.progress import Progress, silent
from edgeroute.types import Job, Json, Limits, Outcome

RUNTIME = "runtime"
"""The environment that executes models where a format names none of its own."""


@dataclass(frozen=True)
class Workshop:
    """Everything that conversions share."""

    plugins: Plugins
    catalog: Catalog
    environments: Environments
    cache: Cache
    progress: Progress = silent
    offline: bool = False

    def code(self, packages: Iterable[str]) -> dict[str, str]:
        """Where the worker finds edgeroute and the packages of a plugin."""
        own = {"edgeroute": str(Path(edgeroute.__file__).parent)}
        return own | {p: self.catalog.code[p] for p in packages if p in self.catalog.code}

    def call(
        self,
        function: str,
        arguments: Mapping[str, Json],
        environment: str,
        folder: Path,
        packages: Iterable[str] = (),
        limits: Limits | None = None,
    ) -> Outcome:
        """Run one of core's own functions in a child of an environment."""
        python = self.environments.ensure(environment, self.progress).python
        job = Job("call", function, arguments, code=self.code(packages))
        return run_job(python, job, folder, limits or Limits(seconds=1800))


def open_workshop(inline: Iterable[Path] = (), *, offline: bool = False, progress: Progress = silent, root: Path | None = None) -> Workshop:
    """Find the plugins, build the catalog, and name the folders; nothing heavy is imported, nothing is built."""
    found = plugins.discover(inline)
    catalog = build(found)
    home = root or paths.root()
    environments = Environments(home / "environments" if root else paths.environments(), catalog.environments, offline=offline)
    return Workshop(found, catalog, environments, Cache(home), progress, offline)


def with_progress(workshop: Workshop, progress: Progress) -> Workshop:
    return dataclasses.replace(workshop, progress=progress)


def code_digest(place: str) -> str:
    """SHA-256 over the Python and data files of a package: an edited plugin must not meet its old results, in a notebook neither."""
    root = Path(place)
    files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.suffix in (".py", ".toml", ".json") and p.is_file())
    return _digest(root, tuple((file, *_stamp(file)) for file in files))


def _stamp(file: Path) -> tuple[int, int]:
    seen = file.stat()
    return seen.st_mtime_ns, seen.st_size


@lru_cache(maxsize=64)
def _digest(root: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Read once, as long as no file's time or size changes."""
    whole = hashlib.sha256()
    for file, _time, _size in files:
        whole.update(f"{file.relative_to(root.parent)}\0".encode())
        whole.update(file.read_bytes())
    return whole.hexdigest()
