"""A project: a folder with all that decides what the compiler makes. Standard library only.

project.json    {"schema", "settings": {algorithm, method}, "inputs": […], "outputs": […], "samples": n}
model.onnx      static
dataset.txt     one line per sample: the names of its arrays, one per input
samples/        <sample>-<input>.npy, in the model's own layout
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeroute.codec import from_json
from edgeroute.errors import SourceError, UsageError
from edgeroute.types import Facts, Tensor, to_json

SCHEMA = "edgeroute-rknn-project/1"
TABLE, MODEL, DATASET, SAMPLES = "project.json", "model.onnx", "dataset.txt", "samples"


def is_ours(path: Path) -> bool:
    """A folder whose project.json says so."""
    try:
        return path.is_dir() and (path / TABLE).stat().st_size < 1 << 20 and SCHEMA in (path / TABLE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def write(folder: Path, settings: Mapping[str, Any], inputs: Sequence[Tensor], outputs: Sequence[Tensor], samples: int) -> None:
    table = {"schema": SCHEMA, "settings": dict(settings), "inputs": to_json(inputs), "outputs": to_json(outputs), "samples": samples}
    (folder / TABLE).write_text(json.dumps(table, indent=1), encoding="utf-8")


def read(folder: Path) -> Mapping[str, Any]:
    """The table. Raises SourceError for a project that is not whole."""
    try:
        table = json.loads((folder / TABLE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, f"{TABLE}: {error}") from error
    missing = [name for name in (MODEL, DATASET) if not (folder / name).is_file()]
    if missing or not isinstance(table, dict) or table.get("schema") != SCHEMA:
        raise _damaged(folder, f"{', '.join(missing) or TABLE} is missing or of another version")
    return table


def facts(folder: Path) -> Facts:
    table = read(folder)
    try:
        ends = [tuple(from_json(Tensor, t) for t in table[key]) for key in ("inputs", "outputs")]
    except (KeyError, TypeError, UsageError) as error:
        raise _damaged(folder, str(error)) from error
    return Facts(ends[0], ends[1], details={"settings": table.get("settings", {}), "samples": table.get("samples", 0)})


def _damaged(folder: Path, how: str) -> SourceError:
    return SourceError(
        f"{folder.name} is no whole RKNN project: {how}", where=str(folder), remedy="quantize the model again", code="rknn-project-damaged"
    )
