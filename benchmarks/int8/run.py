"""Bare quantizers against edgeroute on the trained models of corpus.toml: one row for each model, granularity and way. See README.md.

    python benchmarks/int8/run.py FOLDER [--corpus build/corpus] [--models A,B] [--ways fast,auto] [--pictures 160]

Resumable: every measured cell is a JSON file below FOLDER; what is there is not run again. `--only-table` writes the table and the picture from
what is there: docs/explanation/int8-measured.md and docs/pictures/int8-measured.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import corpus  # noqa: E402
import table  # noqa: E402

from edgeroute import paths  # noqa: E402

GRAINS = {"pc": "artpec9", "pt": "artpec8"}
"""Granularity → the camera whose files have it."""
TOOLS = ("onnx2tf", "ai-edge-quantizer", "tensorflow")
EFFORTS = ("fast", "auto", "balanced", "max")
ABLATION = {
    "prepared": ("prepare",),
    "split": ("prepare", "split-heads"),
    "equalized": ("prepare", "equalize"),
    "both": ("prepare", "split-heads", "equalize"),
}
"""Way → preparations that are pinned, for what each one gains."""
NOT_THE_MODELS_FAULT = (1, 2, 3, 5)
"""Exit codes that say nothing about a model: our own failure, the command line, the source, an environment that cannot be built."""


@dataclass(frozen=True)
class Cell:
    """One thing to measure."""

    model: corpus.Entry
    grain: str
    way: str

    @property
    def file(self) -> str:
        return f"{self.model.name}.{self.grain}.{self.way}.json"

    def words(self, mixed: str = "") -> list[str]:
        """What is added to the command; `-mixed` for a bare tool that leaves operators in float."""
        if self.way in TOOLS:
            via = [
                *(["torch-export", "torch-onnx"] if self.model.network else []),
                "onnxslim",
                *(["onnx2tf"] if self.way != "onnx2tf" else []),
                f"bare-{self.way}-{self.grain}{mixed}",
            ]
            return ["--plugin", str(HERE / "bare.py"), "--to", "bench", "--via", ",".join(via)]
        to = ["--to", GRAINS[self.grain]]
        return [*to, "--effort", self.way] if self.way in EFFORTS else [*to, "--via", ",".join(ABLATION[self.way])]


def cells(models: Sequence[corpus.Entry], ways: Sequence[str], folder: Path) -> Iterator[Cell]:
    """The small models first, and of each all ways."""
    for model in sorted(models, key=lambda m: m.path(folder).stat().st_size):
        for grain in GRAINS:
            for way in ways:
                if way not in TOOLS or model.network or model.file.endswith(".onnx"):
                    yield Cell(model, grain, way)


def measured(cell: Cell, folder: Path, pictures: int, home: Path) -> dict[str, Any]:
    """What became of one conversion; a bare tool's file that is integer in part only is measured as that."""
    row = converted(cell, folder, pictures, home)
    if cell.way in TOOLS and row.get("code") == "promise-broken":
        return converted(cell, folder, pictures, home, "-mixed")
    return row


def converted(cell: Cell, folder: Path, pictures: int, home: Path, mixed: str = "") -> dict[str, Any]:
    """Run one conversion in a cache of its own, and tell what became of it."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "model.tflite"
        command = [sys.executable, "-m", "edgeroute", "convert", *cell.model.words(folder, pictures), *cell.words(mixed)]
        command += ["--out", str(place), "--json", "--allow-degraded"]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(home))
        seconds = time.monotonic() - started
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}") from None
        if answer.get("error", {}).get("exit_code") in NOT_THE_MODELS_FAULT:
            raise SystemExit(f"{' '.join(command)}: {answer['error']['message'][:500]}")
        told = _refused(answer["error"]) if "error" in answer else {**_succeeded(answer), "float_operators": _floats(place)}
    return {"model": cell.model.name, "grain": cell.grain, "way": cell.way, "seconds": round(seconds, 1), "pictures": pictures, **told}


def environment(home: Path) -> dict[str, str]:
    """A cache of its own, with the environments that are built already."""
    return {**os.environ, "EDGEROUTE_HOME": str(home), "EDGEROUTE_ENVIRONMENTS": str(paths.environments())}


def _refused(error: dict[str, Any]) -> dict[str, Any]:
    return {"status": "refused", "code": error["code"], "message": error["message"]}


def _succeeded(answer: dict[str, Any]) -> dict[str, Any]:
    outputs = [o for o in answer["fidelity"].get("outputs", []) if "[" not in o["name"]]
    steps = answer["steps"]
    return {
        "status": answer["status"],
        "outputs": [{k: o[k] for k in ("name", "sqnr_db", "correlation", "spread", "judged", "dead_groups")} for o in outputs],
        "route": answer["route"],
        "tried": len(answer["details"].get("candidates", [])) or 1,
        "work_seconds": round(sum(s["seconds"] for s in steps), 1),
        "megabytes": round(max(s["peak_rss_mb"] for s in steps)),
        "codes": sorted({f["code"] for f in answer["findings"] if f["severity"] != "tip"}),
    }


def _floats(file: Path) -> int | None:
    """Operators that compute in float, by the file's certificate."""
    command = [sys.executable, "-m", "edgeroute", "check", str(file), "--to", "artpec9", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return int(json.loads(done.stdout)["certificate"]["float_operators"])
    except (ValueError, KeyError, TypeError):
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("build/corpus"))
    parser.add_argument("--models", default="")
    parser.add_argument("--ways", default=",".join((*TOOLS, *EFFORTS, *ABLATION)))
    parser.add_argument("--pictures", type=int, default=160)
    parser.add_argument("--only-table", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if not arguments.only_table:
        wanted = corpus.entries([m for m in arguments.models.split(",") if m] or None)
        corpus.fetch(arguments.corpus, wanted)
        for cell in cells(wanted, arguments.ways.split(","), arguments.corpus):
            place = arguments.folder / cell.file
            if place.exists():
                continue
            row = measured(cell, arguments.corpus, arguments.pictures, arguments.folder.absolute() / "home")
            place.write_text(json.dumps(row, indent=1), encoding="utf-8")
            print(table.line(row), flush=True)
    table.write([json.loads(p.read_text(encoding="utf-8")) for p in sorted(arguments.folder.glob("*.json"))], HERE.parents[1] / "docs")


if __name__ == "__main__":
    main()
