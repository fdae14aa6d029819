"""The folder that a failed step leaves: everything in it to run the step again, by anybody, anywhere; nothing in it names a user's home.

README.md          what failed, and how to repeat it
run.sh             repeats it, in the environment that edgeroute built, or in one made from requirements.txt
job.json           the call: its paths are relative to this folder
in/, calibration/  what the step was given (calibration data up to `MOST_BYTES`)
code/              edgeroute and the plugin, as they were
log.txt, outcome.json, error.json   what happened
out/               what it wrote, where it wrote something that did not hold
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeroute import paths, worker
from edgeroute.environments import Ready
from edgeroute.errors import EdgerouteError
from edgeroute.files import read_json, write_json, write_text
from edgeroute.handover import impersonal
from edgeroute.jobs import JOB, LOG, SCRIPT
from edgeroute.runner.rows import first_rows
from edgeroute.runner.smallest import HOW_TO_LOOK, JOB_PART, README
from edgeroute.types import Calibration, Converter, Environment, Json, to_json
from edgeroute.workshop import Workshop

MOST_BYTES = 64 << 20
"""Calibration data that is copied; what a step wrote is kept up to the same size."""
MOST_FOLDERS = 30
TEXTS = (LOG, worker.OUTCOME, JOB, "error.json", README, "entry.json")


def folder_of(workshop: Workshop, key: str) -> Path:
    """Where the folder of a step that fails will be."""
    return workshop.cache.root / "failed" / key


def keep(workshop: Workshop, converter: Converter, ready: Ready, options: Any, key: str, staged: Path, error: EdgerouteError) -> Path:
    """Turn a step's folder, with its input in `in/`, into one that anybody can run; it replaces what an earlier failure left."""
    shutil.rmtree(staged / worker.SCRATCH, ignore_errors=True)
    if _size(staged / "out") > MOST_BYTES:
        shutil.rmtree(staged / "out")
    place = folder_of(workshop, key)
    write_json(staged / "error.json", error.as_json())
    write_text(staged / README, _readme(converter, error, workshop))
    if (staged / JOB).exists():
        _make_portable(workshop, converter, ready, options, staged)
    _scrub(workshop, staged, place)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        staged.rename(place)
    except OSError:  # another process failed in the same way and was faster: its folder tells the same
        shutil.rmtree(staged, ignore_errors=True)
    _forget_old(place.parent)
    return place


def _make_portable(workshop: Workshop, converter: Converter, ready: Ready, options: Any, folder: Path) -> None:
    job = read_json(folder / JOB)
    code = {name: _copied(Path(place), folder / "code") for name, place in workshop.code(converter.code).items()}
    arguments = {**job["arguments"], "options": {**job["arguments"]["options"], **_calibrations(options, folder)}}
    write_json(folder / JOB, {**job, "code": code, "arguments": arguments, "memo": ""})
    write_text(folder / "requirements.txt", "".join(f"{r}\n" for r in _requirements(workshop, converter)))
    write_text(folder / SCRIPT, _script(workshop, converter, ready))
    (folder / SCRIPT).chmod((folder / SCRIPT).stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _copied(place: Path, code: Path) -> str:
    """A package (or a single module) in the folder; its relative path."""
    code.mkdir(exist_ok=True)
    copy = code / place.name
    if place.is_dir():
        shutil.copytree(place, copy, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copyfile(place, copy)
    return str(copy.relative_to(code.parent))


def _calibrations(options: Any, folder: Path) -> dict[str, Json]:
    """The options that hold samples, as JSON, with the first samples copied into the folder."""
    answer: dict[str, Json] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if isinstance(value, Calibration):
            answer[field.name] = to_json(_with_samples(value, folder / "calibration"))
    return answer


def _with_samples(calibration: Calibration, place: Path) -> Calibration:
    """As many of the first samples as fit, for all inputs alike; none of them is held back any more where some had to stay."""
    place.mkdir(exist_ok=True)
    files = sorted(p for p in calibration.path.glob("*.npy") if p.stem.isdigit() or p.stem == "pixels")
    total = sum(p.stat().st_size for p in files)
    count = calibration.count if total <= MOST_BYTES else max(1, calibration.count * MOST_BYTES // total)
    for file in files:
        first_rows(file, place / file.name, count)
    held = calibration.held_back if count == calibration.count else 0
    return dataclasses.replace(calibration, path=Path(place.name), count=count, held_back=held)


def _requirements(workshop: Workshop, converter: Converter) -> Iterator[str]:
    declared = workshop.catalog.environments.get(converter.environment)
    if isinstance(declared, Environment):
        yield from (*declared.requirements, *(f"{r}  # without its dependencies: pip install --no-deps" for r in declared.no_deps))


def _script(workshop: Workshop, converter: Converter, ready: Ready) -> str:
    return f"""#!/bin/sh
# Repeats the step {converter.key}; its output comes here. README.md says more.
cd "$(dirname "$0")" || exit 1
home={_root(workshop)}
python=${{EDGEROUTE_PYTHON:-{_shell(ready.python, workshop)}}}
[ -x "$python" ] || python=.venv/bin/python
if [ ! -x "$python" ]; then
  echo "This step needs what requirements.txt lists. Make it, then run this again:" >&2
  echo "  python3 -m venv .venv && .venv/bin/pip install -r requirements.txt" >&2
  exit 1
fi
exec "$python" -I -X utf8 code/edgeroute/worker.py "${{1:-{JOB}}}"
"""


def _root(workshop: Workshop) -> str:
    """edgeroute's folder, as a shell finds it."""
    root = workshop.cache.root
    usual = '"${EDGEROUTE_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/edgeroute}"'
    return usual if root == paths.root() else f'"{_below_home(root)}"'


def _shell(python: Path, workshop: Workshop) -> str:
    root = workshop.cache.root
    return f"$home/{python.relative_to(root)}" if python.is_relative_to(root) else _below_home(python)


def _below_home(path: Path) -> str:
    return f"$HOME/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _readme(converter: Converter, error: EdgerouteError, workshop: Workshop) -> str:
    declared = workshop.catalog.environments.get(converter.environment)
    python = declared.python if isinstance(declared, Environment) else ">=3.11"
    return f"""# A step that failed: `{converter.key}`

> {error.message}
>
> {error.remedy}

`[{error.code}]`, exit code {error.exit_code}; `edgeroute explain {error.code}` tells more.

To repeat it: `sh run.sh`. On the computer where it failed, that takes the environment that edgeroute built. Elsewhere it needs
Python {python} and what `requirements.txt` lists: `python3 -m venv .venv && .venv/bin/pip install -r requirements.txt`.
`EDGEROUTE_PYTHON=…` names another interpreter.

`in/` holds the model as the step was given it, `calibration/` the (first) samples, `code/` edgeroute and the plugin. `log.txt` and
`outcome.json` tell what happened. This folder names no user and no home; the model may.

{HOW_TO_LOOK}
"""


def _scrub(workshop: Workshop, folder: Path, place: Path) -> None:
    """Folders of this computer become words in everything that is text and ours."""
    places = {folder: ".", place: ".", workshop.cache.root: "$EDGEROUTE_HOME", Path.home(): "~"}
    places |= {path.resolve(): word for path, word in places.items()}
    for name in (*TEXTS, JOB_PART):
        file = folder / name
        if not file.is_file():
            continue
        if file.suffix == ".json":
            file.write_text(json.dumps(impersonal(read_json(file), places), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        else:
            text: str = impersonal(file.read_text(encoding="utf-8", errors="replace"), places)
            file.write_text(text, encoding="utf-8")


def _forget_old(kept: Path) -> None:
    folders = sorted((p for p in kept.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for folder in folders[:-MOST_FOLDERS]:
        shutil.rmtree(folder, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) if folder.exists() else 0
