"""Python interpreters on this computer for a version range: the caller's, PATH, pyenv, uv, conda, the usual folders.

Planning only guesses (from file names, and from what was asked in earlier builds): it must not start a process. Building asks each
candidate once, and remembers the answer by path and modification time.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from edgeroute.errors import EnvironmentFailed, PluginError
from edgeroute.files import read_json, write_json
from edgeroute.types import Json

FLOOR = ">=3.11"
"""The oldest Python that the worker runs in."""
MINORS = range(11, 21)
ANSWER_SECONDS = 10
COMMON = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/local/bin")
CONDAS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")
ORIGINS = ("caller", "path", "pyenv", "uv", "conda", "system")

QUESTION = """
import json, sys, sysconfig
def has(name):
    try:
        __import__(name)
    except Exception:
        return False
    return True
level = "" if sys.version_info[3] == "final" else "%s%d" % ({"alpha": "a", "beta": "b", "candidate": "rc"}[sys.version_info[3]], sys.version_info[4])
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3] + level,
    "cpython": sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "venv": has("venv") and has("ensurepip"),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python on this computer. Its version is exact once it was asked, `3.12` while guessed, empty while unknown."""

    path: Path
    version: str
    origin: str
    """caller, path, pyenv, uv, conda or system."""
    asked: bool = False
    venv: bool = True
    """It can make virtual environments with pip in them (venv and ensurepip are there)."""
    usable: bool = True
    """It answered, and is an ordinary CPython."""

    @property
    def series(self) -> tuple[int, ...]:
        return tuple(int(n) for n in re.findall(r"\d+", self.version)[:2])

    @property
    def preference(self) -> tuple[object, ...]:
        """The lowest series first (tools are pinned against it), then the caller's own, then the newest patch of it."""
        patch = int(next(iter(re.findall(r"^\d+\.\d+\.(\d+)", self.version)), 0))
        return (self.series, self.origin != "caller", -patch, ORIGINS.index(self.origin), str(self.path))


class Interpreters:
    """The interpreters of this computer; `memory` is the file in which their answers are kept."""

    def __init__(self, memory: Path, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> None:
        self.memory = memory
        self.environ = environ
        self.home = home or Path.home()

    @cached_property
    def candidates(self) -> tuple[Interpreter, ...]:
        """What lies in the usual places, as far as names tell."""
        return tuple(_candidates(self.environ, self.home))

    def all(self) -> tuple[Interpreter, ...]:
        """Every candidate with what is known of it, without starting any; the preferred ones first."""
        answers: Mapping[str, Json] = read_json(self.memory) or {}
        return tuple(sorted((_remembered(c, answers) for c in self.candidates), key=lambda i: i.preference))

    def likely(self, wanted: str, *, with_venv: bool = True) -> Interpreter | None:
        """The interpreter that `choose` would most likely take; starts no process."""
        specifier = parse_range(wanted)
        return next((i for i in self.all() if i.version and _serves(i, specifier, with_venv)), None)

    def choose(self, wanted: str, *, with_venv: bool = True) -> Interpreter:
        """The preferred interpreter of a range, after asking it. Raises EnvironmentFailed (no-python, no-venv)."""
        specifier = parse_range(wanted)
        without_venv: list[Interpreter] = []
        for candidate in sorted(self.all(), key=lambda i: not i.version):
            if candidate.version and not _serves(candidate, specifier, with_venv=False):
                continue
            found = self.ask(candidate)
            if _serves(found, specifier, with_venv):
                return found
            if _serves(found, specifier, with_venv=False):
                without_venv.append(found)
        raise _no_venv(without_venv[0]) if without_venv else no_python(wanted)

    def ask(self, candidate: Interpreter) -> Interpreter:
        """The same interpreter with its own answers."""
        if candidate.asked:
            return candidate
        answer = _answer(candidate.path)
        answers = dict(read_json(self.memory) or {})
        answers[str(candidate.path)] = {"stamp": _stamp(candidate.path), "answer": answer}
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.memory, answers)
        return _remembered(candidate, answers)


def parse_range(wanted: str) -> SpecifierSet:
    """A PEP 440 range of Pythons, cut to those that the worker runs in."""
    try:
        return SpecifierSet(wanted) & SpecifierSet(FLOOR)
    except InvalidSpecifier as error:
        raise PluginError(
            f"{wanted!r} is not a range of Python versions", remedy="write it as '>=3.11' or '>=3.12,<3.14'", code="bad-python-range"
        ) from error


def no_python(wanted: str) -> EnvironmentFailed:
    """The error for a range of which no interpreter is on this computer."""
    series = next((f"3.{m}" for m in MINORS if parse_range(wanted).contains(f"3.{m}.99")), "")
    if not series:
        return EnvironmentFailed(
            f"it wants Python {wanted}, but steps run in Python {FLOOR} only",
            remedy="take another converter: --avoid NAME; its plugin has to allow a newer Python",
            code="no-python",
        )
    return EnvironmentFailed(
        f"no Python {wanted} was found on PATH, in pyenv, uv or conda",
        remedy=f"install one, for example: uv python install {series} (or: pyenv install {series}, or: apt install python{series}-venv)",
        code="no-python",
    )


def _no_venv(found: Interpreter) -> EnvironmentFailed:
    series = ".".join(map(str, found.series))
    return EnvironmentFailed(
        f"{found.path} (Python {found.version}) cannot make virtual environments: venv or ensurepip is missing",
        where=str(found.path),
        remedy=f"apt install python{series}-venv (or install uv: pip install uv), then repeat",
        code="no-venv",
    )


def _serves(candidate: Interpreter, specifier: SpecifierSet, with_venv: bool) -> bool:
    if not candidate.usable or not candidate.version or (with_venv and not candidate.venv):
        return False
    if candidate.version.count(".") == 1:
        return any(specifier.contains(f"{candidate.version}.{patch}") for patch in (0, 99))
    return specifier.contains(candidate.version)


def _answer(path: Path) -> Json:
    """What an interpreter says of itself; None if it says nothing sensible (a shim without a version behind it, say)."""
    try:
        said = subprocess.run(
            [str(path), "-I", "-c", QUESTION], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=True, stdin=subprocess.DEVNULL
        )
        return json.loads(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _remembered(candidate: Interpreter, answers: Mapping[str, Json]) -> Interpreter:
    known = answers.get(str(candidate.path))
    if known is None or known["stamp"] != _stamp(candidate.path):
        return candidate
    answer = known["answer"]
    if answer is None:
        return Interpreter(candidate.path, candidate.version, candidate.origin, asked=True, venv=False, usable=False)
    return Interpreter(candidate.path, answer["version"], candidate.origin, True, answer["venv"], answer["cpython"])


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _candidates(environ: Mapping[str, str], home: Path) -> Iterator[Interpreter]:
    """Each interpreter once, under the first name by which it was found."""
    seen: set[str] = set()
    for path, version, origin in _places(environ, home):
        real = os.path.realpath(path)
        if real not in seen and os.access(real, os.X_OK):
            seen.add(real)
            yield Interpreter(path, version or _version_in_name(real), origin)


def _places(environ: Mapping[str, str], home: Path) -> Iterator[tuple[Path, str, str]]:
    if sys.executable:
        yield Path(sys.executable), ".".join(map(str, sys.version_info[:3])), "caller"
    for folder in environ.get("PATH", "").split(os.pathsep):
        if folder:
            yield from _in_bin(Path(folder), "path")
    for version in _children(Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"):
        yield from _in_bin(version / "bin", "pyenv")
    for version in _children(_uv_folder(environ, home)):
        if "cpython" in version.name:
            yield from _in_bin(version / "bin", "uv")
    for prefix in _conda_prefixes(environ, home):
        yield from _in_bin(prefix / "bin", "conda")
    for name in COMMON:
        yield from _in_bin(Path(name), "system")


def _in_bin(folder: Path, origin: str) -> Iterator[tuple[Path, str, str]]:
    for name, version in (*((f"python3.{m}", f"3.{m}") for m in MINORS), ("python3", "")):
        path = folder / name
        if path.exists() and not _is_script(path):
            yield path, version, origin


def _is_script(path: Path) -> bool:
    """A shim or wrapper: its name says nothing about which Python, if any, is behind it."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True


def _version_in_name(real: str) -> str:
    found = re.search(r"python(3\.\d+)$", real)
    return found.group(1) if found else ""


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _uv_folder(environ: Mapping[str, str], home: Path) -> Path:
    if environ.get("UV_PYTHON_INSTALL_DIR"):
        return Path(environ["UV_PYTHON_INSTALL_DIR"])
    return Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "uv/python"


def _conda_prefixes(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    bases = [Path(environ[name]) for name in ("CONDA_PREFIX", "MAMBA_ROOT_PREFIX") if environ.get(name)]
    if environ.get("CONDA_EXE"):
        bases.append(Path(environ["CONDA_EXE"]).parent.parent)
    bases += [home / name for name in CONDAS]
    for base in dict.fromkeys(bases):
        yield base
        yield from _children(base / "envs")
