"""The interpreters that steps run in: the caller's own where it serves, else a virtual environment that is built on first use.

An environment lies at `<root>/<name>-<digest of what was declared>` and counts only when its `ready.json`, written last, is there:
an interrupted build is garbage that the next one sweeps away. Asking for a state starts no process and takes milliseconds.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edgeroute import venvs
from edgeroute.clones import missing_clone, stamped, with_clone
from edgeroute.distributions import Distribution, closure, installed, isolated_paths
from edgeroute.errors import EdgerouteError, EnvironmentFailed, PluginError
from edgeroute.files import read_json, write_json
from edgeroute.interpreters import Interpreters, no_python, parse_range
from edgeroute.locks import locked
from edgeroute.progress import Progress, silent
from edgeroute.requirements import name_of, unmet
from edgeroute.tools import find_tool, require_tool
from edgeroute.types import Environment, Finding, Severity, Tool, digest_json

READY = "ready.json"
BUILD_LOG = "build.log"


@dataclass(frozen=True)
class EnvironmentState:
    """An environment or a tool, as it is on this computer now."""

    name: str
    status: str
    """ready, caller (this interpreter serves), to-build, no-python, offline, tool-missing, or unreachable (comes from an address of
    its own, and nobody has built it yet; `ensure` tries)."""
    python: Path | None = None
    folder: Path | None = None
    megabytes: int = 0
    """On disk; an estimate while it is to be built."""
    reason: str = ""
    remedy: str = ""
    """What to type."""
    digest: str = ""
    """Names the frozen environment; empty until it is built."""

    @property
    def closed(self) -> bool:
        """Nothing can run in it before the user has done something."""
        return self.status in ("no-python", "offline", "tool-missing", "unreachable")


@dataclass(frozen=True)
class Ready:
    """An interpreter that a job can be given to."""

    name: str
    python: Path
    digest: str
    """Changes with anything that is installed in it and counts; part of every cache key."""


class Environments:
    """What the plugins declare, under one folder of this computer."""

    def __init__(
        self,
        root: Path,
        declared: Mapping[str, Environment | Tool],
        offline: bool = False,
        *,
        environ: Mapping[str, str] = os.environ,
        interpreters: Interpreters | None = None,
    ) -> None:
        self.root = root.absolute()
        self.declared = {n: with_clone(d, environ) if isinstance(d, Environment) else d for n, d in declared.items()}
        self.offline = offline
        self.environ = environ
        self.interpreters = interpreters or Interpreters(self.root / "interpreters.json", environ)
        self._served: dict[str, bool] = {}

    def state(self, name: str) -> EnvironmentState:
        """How things stand; the empty name is the caller's interpreter. Starts no process."""
        if not name:
            return EnvironmentState("", "caller", Path(sys.executable), digest=_bare_digest())
        declared = self._declared(name)
        if isinstance(declared, Tool):
            return self._tool_state(declared)
        reason, remedy = missing_clone(declared, self.environ)
        if reason:
            return EnvironmentState(name, "unreachable", reason=reason, remedy=remedy)
        if self._caller_serves(declared):
            digest = stamped(declared, self.environ, self._caller_digest(declared))
            return EnvironmentState(name, "caller", Path(sys.executable), digest=digest)
        record = self._record(declared)
        if record is not None:
            folder = self.folder(declared)
            digest = stamped(declared, self.environ, record["digest"])
            return EnvironmentState(name, "ready", venvs.python_in(folder), folder, record["megabytes"], digest=digest)
        return self._unbuilt_state(declared)

    def ensure(self, name: str, progress: Progress = silent) -> Ready:
        """The interpreter of an environment, built now if need be; of a tool, this interpreter once the tool was found.

        Raises EnvironmentFailed. Of several processes that need the same environment, one builds it and the others wait.
        """
        if not name:
            return Ready("", Path(sys.executable), _bare_digest())
        declared = self._declared(name)
        if isinstance(declared, Tool):
            return Ready(name, Path(sys.executable), require_tool(declared, self.environ).digest)
        ready = self._at_hand(declared)
        if ready:
            return ready
        reason, remedy = missing_clone(declared, self.environ)
        if reason:
            raise EnvironmentFailed(reason, where=name, remedy=remedy, code="environment-clone-missing")
        if self.offline:
            state = self._unbuilt_state(declared)
            raise EnvironmentFailed(state.reason, where=name, remedy=state.remedy, code="offline-environment")
        with locked(
            self.root / f".{self.folder(declared).name}.lock", lambda: progress(f"waiting for another build of {name}", None)
        ) as lock:
            return self._at_hand(declared) or self._build(declared, lock, progress)

    def folder(self, environment: Environment) -> Path:
        """Where an environment lies once it is built: named by the hash of what it requires."""
        return self.root / f"{environment.name}-{environment.digest}"

    def check(self, name: str) -> tuple[Finding, ...]:
        """What is wrong with an environment or a tool, after asking it; empty if nothing is."""
        state = self.state(name)
        declared = self.declared.get(name)
        if state.status == "ready" and isinstance(declared, Environment):
            return self._check_built(declared, state)
        if state.closed:
            return (Finding(f"environment-{state.status}", Severity.ERROR, state.reason, state.remedy, name),)
        if state.status == "to-build":
            return (Finding("environment-to-build", Severity.TIP, state.reason, state.remedy, name),)
        return ()

    def remove(self, name: str) -> int:
        """Delete all built versions of an environment; returns the megabytes that were freed. Raises EnvironmentFailed for a strange name."""
        folders = [folder for folder in self._built() if re.fullmatch(re.escape(name) + "-[0-9a-f]{12}", folder.name)]
        if not folders:
            self._declared(name)
        freed = 0
        for folder in folders:
            with locked(self.root / f".{folder.name}.lock"):
                freed += _megabytes(folder)
                _delete(folder)
                folder.with_name(folder.name + ".log").unlink(missing_ok=True)
        return freed

    def stale(self) -> tuple[Path, ...]:
        """Built folders that nothing declared asks for any more (older pins, plugins that are gone)."""
        wanted = {self.folder(d) for d in self.declared.values() if isinstance(d, Environment)}
        return tuple(folder for folder in self._built() if folder not in wanted)

    def list(self) -> tuple[EnvironmentState, ...]:
        """The state of everything that is declared, by name."""
        return tuple(self.state(name) for name in sorted(self.declared))

    def _declared(self, name: str) -> Environment | Tool:
        if name not in self.declared:
            near = difflib.get_close_matches(name, self.declared, n=1)
            remedy = f"did you mean {near[0]}? see `edgeroute env list`" if near else "see `edgeroute env list`"
            raise EnvironmentFailed(f"there is no environment {name!r}", where=name, remedy=remedy, code="unknown-environment")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise PluginError(f"{name!r} cannot name an environment", remedy="use letters, digits, '-', '_' and '.' only", code="bad-name")
        return self.declared[name]

    def _tool_state(self, tool: Tool) -> EnvironmentState:
        found = find_tool(tool, self.environ)
        status = "ready" if found.found else "tool-missing"
        return EnvironmentState(tool.name, status, reason=found.reason, remedy=found.remedy, digest=found.digest)

    def _unbuilt_state(self, environment: Environment) -> EnvironmentState:
        name, folder, size = environment.name, self.folder(environment), environment.megabytes
        build = f"edgeroute env build {name}"
        if self.offline:
            reason = f"the environment {name} is not built, and this run is offline"
            return EnvironmentState(name, "offline", None, folder, size, reason, f"build it beforehand, while online: {build}")
        python = self.interpreters.likely(environment.python, with_venv=self._uv is None)
        if python is None:
            error = no_python(environment.python)
            return EnvironmentState(name, "no-python", None, folder, size, f"for the environment {name}: {error.message}", error.remedy)
        if environment.source:
            reason = f"the environment {name} comes from {environment.source}, which is tried only when you ask for it"
            remedy = f"{build}, or clone it and export {environment.variable}=FOLDER" if environment.variable else build
            return EnvironmentState(name, "unreachable", python.path, folder, size, reason, remedy)
        reason = f"the environment {name} is built on first use{f' ({size} MB)' if size else ''}"
        return EnvironmentState(name, "to-build", python.path, folder, size, reason, build)

    @cached_property
    def _uv(self) -> str | None:
        return shutil.which("uv", path=self.environ.get("PATH", os.defpath))

    @cached_property
    def _own(self) -> Mapping[str, Distribution]:
        """What this interpreter has installed."""
        return installed(isolated_paths())

    def _caller_serves(self, environment: Environment) -> bool:
        """Whether this very interpreter meets what is asked; only what a worker started from it would see counts."""
        if environment.name not in self._served:
            self._served[environment.name] = self._meets(environment)
        return self._served[environment.name]

    def _meets(self, environment: Environment) -> bool:
        if not sys.executable or not parse_range(environment.python).contains(_own_version()):
            return False
        wanted = environment.accepts or (*environment.requirements, *environment.no_deps)
        return not unmet(wanted, {name: d.version for name, d in self._own.items()})

    def _caller_digest(self, environment: Environment) -> str:
        names = [name_of(r) for r in (*environment.requirements, *environment.no_deps, *environment.accepts)]
        return digest_json([_bare_digest(), closure(names, self._own)])[:32]

    def _record(self, environment: Environment) -> Mapping[str, Any] | None:
        """What was written down when the environment was built; None if it is not there, not finished, moved, or lost its Python."""
        folder = self.folder(environment)
        record = read_json(folder / READY)
        if not isinstance(record, dict) or record.get("folder") != str(folder) or record.get("machine") != _machine():
            return None
        return record if venvs.python_in(folder).exists() else None

    def _at_hand(self, environment: Environment) -> Ready | None:
        state = self.state(environment.name)
        if state.status in ("ready", "caller") and state.python is not None:
            return Ready(environment.name, state.python, state.digest)
        return None

    def _build(self, environment: Environment, lock: int, progress: Progress) -> Ready:
        """Build into the final place (its scripts hold absolute paths), and mark it as ready last. The lock is held."""
        folder = self.folder(environment)
        _delete(folder)
        _check_disk(environment, self.root)
        python = self.interpreters.choose(environment.python, with_venv=self._uv is None)
        build = venvs.Build(environment, folder, python, folder.with_name(folder.name + ".log"), progress, lock)
        try:
            inventory, installer = venvs.build_venv(build, self._uv)
            record = {
                "folder": str(folder), "machine": _machine(), "digest": inventory.digest, "megabytes": _megabytes(folder),
                "python": inventory.python, "interpreter": str(python.path), "installer": installer,
                "requirements": [*environment.requirements, *environment.no_deps], "packages": dict(inventory.packages),
            }  # fmt: skip
            build.log.replace(folder / BUILD_LOG)
            write_json(folder / READY, record)
        except BaseException:
            _delete(folder)
            raise
        progress(f"environment {environment.name}: ready ({record['megabytes']} MB)", 1.0)
        return Ready(environment.name, build.python, stamped(environment, self.environ, inventory.digest))

    def _check_built(self, environment: Environment, state: EnvironmentState) -> tuple[Finding, ...]:
        name = environment.name
        again = f"edgeroute env remove {name} && edgeroute env build {name}"
        try:
            inventory = venvs.take_inventory(state.python or Path())
        except EdgerouteError as error:
            return (Finding(error.code, Severity.ERROR, error.message, again, name),)
        missing = unmet((*environment.requirements, *environment.no_deps), inventory.packages, inventory.markers)
        if missing:
            return (Finding("environment-incomplete", Severity.ERROR, f"it lacks {', '.join(missing)}", again, name),)
        if stamped(environment, self.environ, inventory.digest) != state.digest:
            return (Finding("environment-drifted", Severity.WARNING, "something was installed or removed since it was built", again, name),)
        return ()

    def _built(self) -> tuple[Path, ...]:
        """Folders of environments, finished or not."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(p for p in self.root.iterdir() if p.is_dir() and re.search("-[0-9a-f]{12}$", p.name)))


def _machine() -> str:
    """A home folder may be shared by computers of different kinds."""
    return f"{os.uname().sysname}-{os.uname().machine}"


def _own_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _bare_digest() -> str:
    return digest_json([_own_version(), _machine()])[:32]


def _delete(folder: Path) -> None:
    """The mark first, so that a half-deleted environment is never taken for a whole one."""
    (folder / READY).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)


def _megabytes(folder: Path) -> int:
    total = sum(os.lstat(os.path.join(base, name)).st_size for base, _, names in os.walk(folder) for name in names)  # noqa: PTH118
    return round(total / (1 << 20))


def _check_disk(environment: Environment, root: Path) -> None:
    free = shutil.disk_usage(root).free >> 20
    if environment.megabytes > free:
        raise EnvironmentFailed(
            f"the environment {environment.name} needs about {environment.megabytes} MB, but only {free} MB are free in {root}",
            where=str(root),
            remedy="free some space there, or set EDGEROUTE_HOME to a folder on a larger disk",
            code="environment-disk",
        )
