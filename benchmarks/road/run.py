"""The same tools from a hand-written script against `edgeroute convert`: ratios of time and memory, in one run. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import corpus  # noqa: E402

from edgeroute import processes  # noqa: E402
from edgeroute.verify import preprocess as preprocessing  # noqa: E402
from edgeroute.workshop import open_workshop  # noqa: E402

FIRST, SECOND = "artpec9", "artpec8"
PICTURES = 48


@dataclass(frozen=True)
class Run:
    """One command: wall seconds, and the largest resident memory of its process tree in MB."""

    seconds: float
    megabytes: float


def timed(command: Sequence[str], environment: dict[str, str] | None = None) -> Run:
    """Run a command and watch its tree."""
    started, peak, over = time.perf_counter(), 0.0, threading.Event()
    child = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.05):
            peak = max(peak, processes.measure(child.pid)[1])

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, words = child.communicate()
    over.set()
    watcher.join()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{words.decode()[-2000:]}")
    return Run(time.perf_counter() - started, peak)


def by_hand(entry: corpus.Entry, model: Path, pictures: Path, folder: Path) -> Run:
    """The script's steps one after another: total time, and the heaviest step's memory."""
    shop = open_workshop()
    python = {name: str(shop.environments.ensure(name).python) for name in ("runtime", "onnx2tf", "tensorflow")}
    numbers = preprocessing.parse(entry.preprocess)
    height, width = image_size(entry)
    copy = folder / "model.onnx"
    shutil.copy(model, copy)
    steps = [
        [python["runtime"], "script_samples.py", str(pictures), str(folder / "x.npy"), str(height), str(width), str(numbers.scale),
         ",".join(map(str, numbers.mean)), ",".join(map(str, numbers.std)), numbers.color],
        [python["runtime"], "script_slim.py", str(copy), str(folder / "slim.onnx"), entry.shape],
        [python["onnx2tf"], "script_float.py", str(folder / "slim.onnx"), str(folder / "float")],
        [python["tensorflow"], "script_int8.py", str(folder / "float" / "slim_float32.tflite"), str(folder / "x.npy"), str(folder / "int8.tflite"), "0"],
    ]  # fmt: skip
    runs = [timed([step[0], str(HERE / step[1]), *step[2:]], {"PATH": f"{Path(step[0]).parent}:{os.environ['PATH']}"}) for step in steps]
    return Run(sum(r.seconds for r in runs), max(r.megabytes for r in runs))


def image_size(entry: corpus.Entry) -> tuple[int, int]:
    dims = [int(d) for d in entry.shape.rpartition(":")[2].split(",")] if entry.shape else [1, 1, 28, 28]
    return (dims[2], dims[3]) if dims[1] in (1, 3) else (dims[1], dims[2])


def convert(entry: corpus.Entry, model: Path, pictures: Path, target: str, home: Path, out: Path) -> Run:
    numbers = preprocessing.parse(entry.preprocess)
    command = [sys.executable, "-m", "edgeroute", "convert", str(model), "--to", target, "--effort", "fast", "--out", str(out), "--calibrate", str(pictures),
               "--scale", str(numbers.scale), "--mean", ",".join(map(str, numbers.mean)), "--std", ",".join(map(str, numbers.std)),
               "--color", numbers.color, "--allow-degraded"]  # fmt: skip
    return timed(
        command + (["--input-shape", entry.shape] if entry.shape else []),
        {"EDGEROUTE_HOME": str(home), "EDGEROUTE_ENVIRONMENTS": str(open_workshop().environments.root)},
    )


def measure(entry: corpus.Entry, folder: Path, pictures: Path, runs: int) -> dict[str, float | str]:
    """All figures of one model: medians of `runs`, the two sides in turn."""
    model = entry.path(folder)
    rows: list[dict[str, float]] = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            home, other = place / "home", place / "other"
            script = by_hand(entry, model, pictures, place)
            cold = convert(entry, model, pictures, FIRST, home, place / "a.tflite")
            warm = convert(entry, model, pictures, FIRST, home, place / "b.tflite")
            second = convert(entry, model, pictures, SECOND, home, place / "c.tflite")
            alone = convert(entry, model, pictures, SECOND, other, place / "d.tflite")
            rows.append({
                "script_s": script.seconds, "cold_s": cold.seconds, "cold": cold.seconds / script.seconds, "warm": cold.seconds / warm.seconds,
                "second": alone.seconds / second.seconds, "memory": cold.megabytes / script.megabytes, "script_mb": script.megabytes,
            })  # fmt: skip
    return {"model": entry.name, **{key: round(statistics.median(r[key] for r in rows), 2) for key in rows[0]}}


COLUMNS = {"cold": "cold", "warm": "warm", "second": "second", "memory": "memory", "script_s": "script, s", "cold_s": "cold, s",
           "script_mb": "heaviest tool, MB"}  # fmt: skip
README, MARK = HERE / "README.md", "<!-- figures -->"


def write(rows: Sequence[dict[str, float | str]], circumstances: str) -> None:
    """The figures as a table at the end of the README."""
    text = README.read_text(encoding="utf-8").partition(MARK)[0]
    lines = [f"| model | {' | '.join(COLUMNS.values())} |", "| --- |" + " ---: |" * len(COLUMNS)]
    lines += [f"| {row['model']} | {' | '.join(str(row[key]) for key in COLUMNS)} |" for row in rows]
    README.write_text("\n".join([text + MARK, "", f"Measured with {circumstances}.", "", *lines, ""]), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="ppocr-cls,ddddocr-det,mnist-conv")
    parser.add_argument("--corpus", type=Path, default=Path("build/corpus"))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the figures into README.md")
    arguments = parser.parse_args()
    wanted = corpus.entries(arguments.models.split(","))
    corpus.fetch(arguments.corpus, wanted)
    pictures = corpus.crops(arguments.corpus, PICTURES)
    rows, load = [], os.getloadavg()[0]
    for entry in wanted:
        rows.append(measure(entry, arguments.corpus, pictures, arguments.runs))
        print(json.dumps(rows[-1]), flush=True)
    if arguments.write:
        write(rows, f"{os.cpu_count()} processors, {arguments.runs} run(s) each, load average before: {load:.1f}")


if __name__ == "__main__":
    main()
