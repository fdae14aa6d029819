"""What 20 dB would take: the networks of corpus.toml, prepared and equalized, with all activations rounded to 8, 9, … 12 bits and nothing else lost,
beside what the float model itself loses when the pixels of its pictures move.

    python benchmarks/int8/precision.py FOLDER [--corpus build/corpus] [--models A,B]

Needs onnx, onnxruntime and Pillow. Resumable: each model is a JSON file below FOLDER. Writes docs/explanation/int8-precision.md.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import corpus  # noqa: E402
import rounding  # noqa: E402
import run  # noqa: E402

from edgeroute.types import Preprocess, Tensor  # noqa: E402
from edgeroute.verify import images, pixels  # noqa: E402
from edgeroute.verify.preprocess import PRESETS, parse  # noqa: E402
from edgeroute.verify.shaking import shaker_of  # noqa: E402
from edgeroute_plugins.prepare.graph import load  # noqa: E402
from edgeroute_plugins.prepare.statistics import measure, session  # noqa: E402

BITS = (8, 9, 10, 12)
GREY_LEVELS = (0.5, 1.0, 2.0)
MEASURED, CALIBRATED = 24, 128
WAYS = (("prepare", "split-heads", "equalize"), ("prepare", "equalize"))
HEAD = """# int8: what 20 dB would take

By `benchmarks/int8/precision.py`, which wrote this page. Each network of `benchmarks/corpus.toml` that takes pictures, prepared and equalized for one scale per
tensor; the SQNR of its worst output over 24 everyday pictures that gave no range. *n bits*: every activation that an int8 file stores is rounded to so many bits, while weights stay
exact: no 8-bit file that computes this graph can be expected to do better than the first column without luck or fitted weights, and all that fitting wins is measured in
[int8, measured](int8-measured.md). *±a*: the float model, its pictures moved by uniform noise of at most so many grey levels of 255.

| model | 8 bits | 9 bits | 10 bits | 12 bits | ±0.5 | ±1 | ±2 |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def equalized(entry: corpus.Entry, folder: Path, home: Path) -> tuple[Path, bool]:
    """The ONNX file in front of the quantizer, and whether it takes bare pixels."""
    for way in WAYS:
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, "-m", "edgeroute", "convert", *entry.words(folder), "--to", "cpu", "--via", ",".join(way)]
            command += ["--out", str(Path(scratch) / "model.onnx"), "--json"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=run.environment(home))
            answer = json.loads(done.stdout)
        steps = answer.get("steps", [])
        found = [s["artifact"]["path"] for s in steps if s["converter"] == "equalize"]
        if found:
            return Path(found[0]), any(s["converter"] == "camera" for s in steps)
    raise SystemExit(f"{entry.name}: {answer['error']['message'][:300]}")


def measured(entry: corpus.Entry, folder: Path, home: Path) -> dict[str, Any]:
    """The row of one model: dB of its worst output."""
    path, bare = equalized(entry, folder, home)
    graph = load(path)
    name = graph.input_names[0]
    tensor = Tensor(name, graph.shapes[name], "float32")
    used: Preprocess = PRESETS["0..255"] if bare else parse(entry.preprocess)
    place, shaker = pixels.geometry(tensor), shaker_of([tensor], used)
    if place is None or shaker is None:
        raise SystemExit(f"{entry.name}: its input {name} is no picture")
    samples = [pixels.normalize(images.read(file, place, used), place, used, tensor) for file in sorted(corpus.crops(folder).iterdir())]
    tested = samples[CALIBRATED:][:MEASURED]
    found = measure(graph, [{name: s} for s in samples[:CALIBRATED]], {n: None for n in graph.shapes if n not in graph.constants})
    exact = answers(graph.to_proto(), name, tested)
    row: dict[str, Any] = {"model": entry.name}
    for bits in BITS:
        row[f"{bits} bits"] = worst(rounding.shares(exact, answers(rounding.rounded(graph, found, bits), name, tested)))
    for most in GREY_LEVELS:
        moved = [shaker.shake([sample], most, seed)[0] for seed, sample in enumerate(tested)]
        row[f"±{most:g}"] = worst(rounding.shares(exact, answers(graph.to_proto(), name, moved)))
    return row


def answers(model: Any, name: str, samples: Sequence[Any]) -> list[Any]:
    """All outputs, sample by sample."""
    runner = session(model)
    return [runner.run(None, {name: sample}) for sample in samples]


def worst(shares: Sequence[float]) -> float:
    """In dB."""
    return round(min(-10 * math.log10(max(s, 1e-20)) for s in shares), 1)


def line(row: dict[str, Any]) -> str:
    cells = [row["model"], *(f"{row[f'{b} bits']:.1f}" for b in BITS), *(f"{row[f'±{a:g}']:.1f}" for a in GREY_LEVELS)]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("build/corpus"))
    parser.add_argument("--models", default="")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    wanted = [e for e in corpus.entries([m for m in arguments.models.split(",") if m] or None) if e.pictures]
    corpus.fetch(arguments.corpus, wanted)
    for entry in wanted:
        place = arguments.folder / f"{entry.name}.json"
        if not place.exists():
            place.write_text(json.dumps(measured(entry, arguments.corpus, arguments.folder.absolute() / "home")), encoding="utf-8")
            print(line(json.loads(place.read_text(encoding="utf-8"))), flush=True)
    rows = sorted((json.loads(p.read_text(encoding="utf-8")) for p in arguments.folder.glob("*.json")), key=lambda r: r["model"])
    page = HERE.parents[1] / "docs" / "explanation" / "int8-precision.md"
    page.write_text(HEAD + "\n".join(map(line, rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
