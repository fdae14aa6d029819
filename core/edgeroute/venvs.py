"""Builds one virtual environment: venv and pip (uv where it is on PATH), then a look at what really got installed."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeroute.errors import EnvironmentFailed
from edgeroute.interpreters import Interpreter
from edgeroute.processes import signal_group
from edgeroute.progress import Progress
from edgeroute.requirements import unmet
from edgeroute.types import Environment, Json, digest_json

LAST_WORDS = 15
"""Lines of an installer's output that an error repeats."""
PIP = ("-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-compile")
"""Without compiling: that is done afterwards on all processors, in a third of the time."""
FOREIGN = (
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_REQUIRE_VIRTUALENV",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "__PYVENV_LAUNCHER__",
)
"""Settings of the user's shell that would make an installer write elsewhere."""

INVENTORY = """
import importlib.metadata, json, os, platform, sys
packages = {}
for distribution in importlib.metadata.distributions():
    name = distribution.metadata["Name"]
    if name:
        packages.setdefault(name, [distribution.version, distribution.read_text("direct_url.json") or ""])
markers = {"python_version": "%d.%d" % sys.version_info[:2], "python_full_version": platform.python_version(),
           "sys_platform": sys.platform, "os_name": os.name, "platform_machine": platform.machine(),
           "platform_system": platform.system(), "implementation_name": sys.implementation.name,
           "platform_python_implementation": platform.python_implementation(), "platform_release": platform.release(),
           "implementation_version": platform.python_version(), "platform_version": platform.version(), "extra": ""}
print(json.dumps({"packages": packages, "markers": markers}))
"""


@dataclass(frozen=True)
class Inventory:
    """What is installed in an interpreter, as it says itself."""

    python: str
    packages: Mapping[str, str]
    """Canonical name → version."""
    origins: Mapping[str, Json]
    """Canonical name → where it was installed from (PEP 610), for those that came from an address and not from an index."""
    markers: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Names the frozen environment: every version, every origin, the Python. The installer itself does not count."""
        versions = {name: version for name, version in self.packages.items() if name != "pip"}
        return digest_json([self.python, self.markers.get("platform_machine", ""), versions, self.origins])[:32]


@dataclass(frozen=True)
class Build:
    """One build: what, where, with which Python, and how to tell about it."""

    environment: Environment
    folder: Path
    interpreter: Interpreter
    log: Path
    progress: Progress
    lock: int
    """Descriptor of the lock: the installer keeps it too, so that nobody else builds here while it still runs."""

    @property
    def python(self) -> Path:
        return python_in(self.folder)

    def tell(self, text: str) -> None:
        self.progress(f"environment {self.environment.name}: {text}", None)


class InstallerFailed(Exception):
    """An installer ended with an error; holds its last lines."""

    def __init__(self, installer: str, lines: Sequence[str]) -> None:
        super().__init__(f"{installer} failed")
        self.installer = installer
        self.lines = tuple(lines)


def python_in(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / "bin" / "python"


def build_venv(build: Build, uv: str | None) -> tuple[Inventory, str]:
    """Build it; returns what is in it and what built it. Raises EnvironmentFailed; the folder is then incomplete."""
    build.log.unlink(missing_ok=True)
    installer = "uv" if uv else "pip"
    try:
        try:
            _install_with_uv(build, uv) if uv else _install_with_pip(build)
        except InstallerFailed:
            if not (uv and build.interpreter.venv):
                raise
            build.tell("uv failed (it does not read pip's settings); trying pip")
            shutil.rmtree(build.folder, ignore_errors=True)
            installer = "pip"
            _install_with_pip(build)
    except InstallerFailed as failed:
        raise diagnose(build, failed) from failed
    inventory = take_inventory(build.python)
    missing = unmet((*build.environment.requirements, *build.environment.no_deps), inventory.packages, inventory.markers)
    if missing:
        raise EnvironmentFailed(
            f"{installer} reported success, but the environment {build.environment.name} lacks {', '.join(missing)}",
            where=str(build.log),
            remedy=f"look for constraints in pip's settings (pip config list), then: edgeroute env build {build.environment.name}",
            code="environment-incomplete",
        )
    return inventory, installer


def take_inventory(python: Path) -> Inventory:
    """Ask an interpreter what it has. Raises EnvironmentFailed (environment-broken)."""
    try:
        said = subprocess.run(
            [str(python), "-I", "-c", INVENTORY], capture_output=True, text=True, timeout=120, check=True, stdin=subprocess.DEVNULL
        )
        answer = json.loads(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EnvironmentFailed(
            f"the interpreter {python} does not answer: {error}",
            where=str(python),
            remedy="remove its environment and build it again: edgeroute env remove NAME, edgeroute env build NAME",
            code="environment-broken",
        ) from error
    canonical = {re.sub(r"[-_.]+", "-", name).lower(): found for name, found in sorted(answer["packages"].items())}
    origins = {name: json.loads(url) for name, (_, url) in canonical.items() if url}
    return Inventory(answer["markers"]["python_full_version"], {n: v for n, (v, _) in canonical.items()}, origins, answer["markers"])


def _install_with_pip(build: Build) -> None:
    build.tell(f"making a virtual environment with Python {build.interpreter.version}")
    _run("venv", [str(build.interpreter.path), "-I", "-m", "venv", str(build.folder)], build)
    if build.environment.requirements:
        _run("pip", [str(build.python), *PIP, *build.environment.requirements], build)
    if build.environment.no_deps:
        _run("pip", [str(build.python), *PIP, "--no-deps", *checkouts(build.environment.no_deps)], build)
    _compile(build)


def _compile(build: Build) -> None:
    """Compile to bytecode; a file that does not compile (a template, another Python's syntax) is none of our business."""
    build.tell("compiling to bytecode")
    with contextlib.suppress(InstallerFailed):
        _run("compileall", [str(build.python), "-I", "-m", "compileall", "-qq", "-j", "0", str(build.folder / "lib")], build)


def _install_with_uv(build: Build, uv: str) -> None:
    build.tell(f"making a virtual environment with uv and Python {build.interpreter.version}")
    _run("uv", [uv, "venv", "--no-project", "--python", str(build.interpreter.path), str(build.folder)], build)
    start = [uv, "pip", "install", "--compile-bytecode", "--python", str(build.python)]
    if build.environment.requirements:
        _run("uv", [*start, *build.environment.requirements], build)
    if build.environment.no_deps:
        _run("uv", [*start, "--no-deps", *checkouts(build.environment.no_deps)], build)


def checkouts(requirements: Sequence[str]) -> Iterator[str]:
    """Installer's words; what comes from a git address stays a checkout, for such tools may forget their sub-packages in a wheel."""
    for requirement in requirements:
        name, _, address = (part.strip() for part in requirement.partition("@"))
        yield from ("--editable", f"{address}#egg={name}") if address.startswith("git+") else (requirement,)


def _run(installer: str, command: Sequence[str], build: Build) -> None:
    """Run an installer, tell what it says, keep its log; raises InstallerFailed with its last words."""
    last: collections.deque[str] = collections.deque(maxlen=LAST_WORDS)
    with build.log.open("a", encoding="utf-8") as log, _started(command, build.lock) as child:
        log.write(f"$ {' '.join(command)}\n")
        assert child.stdout is not None
        for line in child.stdout:
            log.write(line)
            if line.strip():
                last.append(line.rstrip())
            news = _news(line)
            if news:
                build.tell(news)
        if child.wait() != 0:
            raise InstallerFailed(installer, last)


@contextlib.contextmanager
def _started(command: Sequence[str], lock: int) -> Iterator[subprocess.Popen[str]]:
    """An installer in a process group of its own, which is gone when this block is left."""
    environ = {n: v for n, v in os.environ.items() if n not in FOREIGN and not n.startswith("PYTHON")}
    child = subprocess.Popen(
        command,
        env=environ | {"PIP_USER": "0", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        pass_fds=(lock,),
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            signal_group(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _news(line: str) -> str:
    """A line of an installer in a user's words; empty if it is nothing that one wants to read."""
    collecting = re.match(r"\s*Collecting (\S+)", line)
    if collecting:
        return f"resolving {collecting[1]}"
    fetching = re.match(r"\s*Downloading (\S+?)(?:\.metadata)? \((.+)\)", line)
    if fetching:
        return "" if ".metadata " in line else f"downloading {fetching[1].rpartition('/')[2]} ({fetching[2]})"
    installing = re.match(r"Installing collected packages: (.+)", line)
    if installing:
        return f"installing {installing[1].count(',') + 1} packages"
    building = re.match(r"\s*Building wheel for (\S+)", line)
    if building:
        return f"compiling {building[1]}"
    uv = re.match(r"(Resolved|Prepared|Installed) (\d+ packages?)", line)
    return f"{uv[1].lower()} {uv[2]}" if uv else ""


@dataclass(frozen=True)
class _Diagnosis:
    pattern: str
    code: str
    remedy: str


DIAGNOSES = (
    _Diagnosis(
        r"No space left on device|Errno 28",
        "environment-disk",
        "free some space there, or set EDGEROUTE_HOME to a folder on a larger disk; then: edgeroute env build {name}",
    ),
    _Diagnosis(
        r"(?i)name resolution|NewConnectionError|ConnectionError|ConnectTimeout|ProxyError|Network is unreachable|Could not fetch URL"
        r"|Connection refused|dns error|Could not resolve host|timed? ?out|error sending request",
        "environment-network",
        "connect this computer (behind a proxy: export HTTPS_PROXY=…, for a mirror: export PIP_INDEX_URL=…); then: edgeroute env build {name}",
    ),
    _Diagnosis(
        r"No matching distribution|ResolutionImpossible|No solution found|conflicting dependencies",
        "environment-unresolvable",
        "these versions are not to be had for this Python from your index (pip config list shows which); try again with: edgeroute env build {name}",
    ),
)


def diagnose(build: Build, failed: InstallerFailed) -> EnvironmentFailed:
    """What an installer's failure means, with its last words."""
    text = build.log.read_text(encoding="utf-8", errors="replace")
    known = next((d for d in DIAGNOSES if re.search(d.pattern, text)), None)
    name, source, variable = build.environment.name, build.environment.source, build.environment.variable
    remedy = known.remedy.format(name=name) if known else f"read {build.log}; then: edgeroute env build {name}"
    code = known.code if known else "environment-failed"
    if source:
        clone = f", or clone it where it can be reached and export {variable}=FOLDER" if variable else ""
        code, remedy = "environment-unreachable", f"it comes from {source}; {remedy}{clone}"
    words = "\n".join(f"    {line}" for line in failed.lines)
    message = f"the environment {name} could not be built; {failed.installer} said at last:\n{words}\n"
    return EnvironmentFailed(message, where=str(build.log), remedy=remedy, code=code)
