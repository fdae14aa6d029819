"""What is installed in an interpreter, read from the names of its metadata folders. Standard library only, milliseconds.

`importlib.metadata` answers the same questions, but parses every METADATA file on the way; planning cannot wait for that.
"""

from __future__ import annotations

import re
import site
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Distribution:
    """An installed distribution: canonical name, version, and its metadata folder (or file, for ancient ones)."""

    name: str
    version: str
    folder: Path


def canonical(name: str) -> str:
    """PEP 503's spelling of a name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def isolated_paths() -> tuple[str, ...]:
    """The site folders that `python -I` sees, with what their .pth files add: neither PYTHONPATH nor the user's own site folder,
    which a worker lacks too."""
    return tuple(dict.fromkeys(path for folder in site.getsitepackages() for path in (folder, *_added(Path(folder)))))


def _added(folder: Path) -> Iterator[str]:
    """Folders that the .pth files of a site folder put on the path; lines that run code are theirs alone."""
    for file in sorted(folder.glob("*.pth")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.strip() and not line.startswith(("#", "import ", "import\t")) and (folder / line.strip()).is_dir():
                yield str(folder / line.strip())


def installed(paths: Iterable[str]) -> dict[str, Distribution]:
    """Every distribution in these folders by canonical name; the first folder wins, as on sys.path."""
    found: dict[str, Distribution] = {}
    for path in paths:
        for distribution in _in_folder(Path(path)):
            found.setdefault(distribution.name, distribution)
    return found


def _in_folder(path: Path) -> Iterable[Distribution]:
    try:
        names = sorted(entry.name for entry in path.iterdir())
    except OSError:
        return
    for name in names:
        stem, dot, kind = name.rpartition(".")
        if dot and kind in ("dist-info", "egg-info"):
            title, _, version = re.sub(r"-py\d+(\.\d+)?$", "", stem).partition("-")
            yield Distribution(canonical(title), version or _declared_version(path / name), path / name)


def _declared_version(folder: Path) -> str:
    found = re.search(r"(?mi)^Version: *(\S+)", _metadata(folder))
    return found.group(1) if found else ""


def _metadata(folder: Path) -> str:
    """The header of a distribution's metadata, without the long description."""
    for file in (folder / "METADATA", folder / "PKG-INFO", folder):
        try:
            return file.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        except OSError:
            continue
    return ""


def closure(names: Iterable[str], table: Mapping[str, Distribution]) -> dict[str, str]:
    """Name → version of these distributions and of all they depend on, as far as installed; optional extras are not followed."""
    versions: dict[str, str] = {}
    waiting = [canonical(name) for name in names]
    while waiting:
        distribution = table.get(waiting.pop())
        if distribution is None or distribution.name in versions:
            continue
        versions[distribution.name] = distribution.version
        for needed in re.findall(r"(?mi)^Requires-Dist: *(.+)$", _metadata(distribution.folder)):
            if not re.search(r";.*\bextra\b", needed):
                waiting.append(canonical(re.split(r"[^A-Za-z0-9._-]", needed, maxsplit=1)[0]))
    return versions


def imported(modules: Iterable[str] | None = None, paths: Sequence[str] | None = None) -> dict[str, str]:
    """Distribution → version of the modules that this process has imported."""
    table = installed(sys.path if paths is None else paths)
    tops = {name.partition(".")[0] for name in (list(sys.modules) if modules is None else modules)}
    tops -= set(sys.stdlib_module_names)
    found = {top: table[canonical(top)] for top in tops if canonical(top) in table}
    rest = {top for top in tops - set(found) if not top.startswith("__")}
    for distribution in table.values():
        if not rest:
            break
        for top in _modules_of(distribution, rest):
            found[top] = distribution
            rest.discard(top)
    return dict(sorted({d.name: d.version for d in found.values()}.items()))


def _modules_of(distribution: Distribution, wanted: Iterable[str]) -> list[str]:
    """Which of the wanted top-level modules this distribution brought, by its own file list."""
    try:
        record = "\n" + (distribution.folder / "RECORD").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [top for top in wanted if f"\n{top}/" in record or f"\n{top}." in record]
