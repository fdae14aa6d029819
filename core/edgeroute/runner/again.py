"""The command that repeats a step that succeeded: its folder in the cache no longer holds its input, which lies elsewhere."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeroute import worker
from edgeroute.cache import Entry
from edgeroute.environments import Ready
from edgeroute.files import write_text
from edgeroute.jobs import JOB, SCRIPT
from edgeroute.types import Artifact


def write(folder: Path, ready: Ready, source: Artifact) -> None:
    """Write `run.sh` anew: it runs the step on a copy of its input in a folder of its own, and says where its output is."""
    files = [(source.path, Path(source.path.name)), *((f, f.relative_to(source.path.parent)) for f in source.files)]
    copies = [
        f'mkdir -p "$work/in/{name.parent}" && cp -R {shlex.quote(str(file.absolute()))} "$work/in/{name.parent}"' for file, name in files
    ]
    lines = (
        "#!/bin/sh",
        "# Repeats this step on a copy of its input, in a new folder: what lies here stays as it is.",
        "set -eu",
        'here=$(cd "$(dirname "$0")" && pwd)',
        "work=$(mktemp -d)",
        *copies,
        f'mkdir "$work/out" && cp "$here/{JOB}" "$work"',
        f'cd "$work" && {shlex.join([str(ready.python), "-I", "-X", "utf8", worker.__file__, JOB])}',
        'echo "its output is in $work/out"',
    )
    write_text(folder / SCRIPT, "\n".join(lines) + "\n")


def command(entry: Entry) -> str:
    """What a person types."""
    return shlex.join(["sh", str(entry.folder / SCRIPT)])
