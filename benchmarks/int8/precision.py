"""What 20 dB would take: the networks of corpus.toml, prepared and equalized, with all activations rounded to 8, 9, … 12 bits and nothing else lost,
beside what the float model itself loses when the pixels of its pictures move.

    python benchmarks/int8/precision.py FOLDER [--corpus build/corpus] [--models A,B]

Needs onnx, onnxruntime and Pillow. Resumable: each model is a JSON file below FOLDER. Writes docs/explanation/int8-precision.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import corpus  # noqa: E402
import numpy as np  # noqa: E402
import rounding  # noqa: E402
from PIL import Image  # noqa: E402

from edgeroute import paths  # noqa: E402
from edgeroute_plugins.prepare.equalize import is_quantized  # noqa: E402
from edgeroute_plugins.prepare.graph import Graph, load  # noqa: E402
from edgeroute_plugins.prepare.statistics import measure, session  # noqa: E402

BITS = (8, 9, 10, 12)
GREY_LEVELS = (0.5, 1.0, 2.0)
MEASURED, CALIBRATED = 24, 128
PRESETS = {
    "0..255": ([0.0], [1.0]),
    "0..1": ([0.0], [255.0]),
    "-1..1": ([127.5], [127.5]),
    "imagenet": ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
}
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
            env = {**os.environ, "EDGEROUTE_HOME": str(home), "EDGEROUTE_ENVIRONMENTS": str(paths.environments())}
            answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=False, env=env).stdout)
        steps = answer.get("steps", [])
        found = [s["artifact"]["path"] for s in steps if s["converter"] == "equalize"]
        if found:
            return Path(found[0]), any(s["converter"] == "camera" for s in steps)
    raise SystemExit(f"{entry.name}: {answer['error']['message'][:300]}")


def pictures(folder: Path, shape: Sequence[int]) -> list[Any]:
    """Crops in the size of a network's input, as pixels [height, width, channels] of 0..255, RGB or grey."""
    first = shape[1] in (1, 3)
    height, width = (shape[2], shape[3]) if first else (shape[1], shape[2])
    found = []
    for file in sorted(corpus.crops(folder).iterdir()):
        grey = (shape[1] if first else shape[3]) == 1
        pixels = np.asarray(Image.open(file).convert("L" if grey else "RGB").resize((width, height)), np.float32).reshape(height, width, -1)
        found.append(pixels)
    return found


def fed(entry: corpus.Entry, graph: Graph, pixels: Any, bare: bool) -> dict[str, Any]:
    """The network's input for pixels [height, width, channels] of 0..255, RGB."""
    name = graph.input_names[0]
    value = pixels
    if not bare:
        preset = PRESETS[entry.preprocess.get("preset", "0..255")]
        mean, std = entry.preprocess.get("mean", preset[0]), entry.preprocess.get("std", preset[1])
        value = value[:, :, ::-1] if entry.preprocess.get("color") == "bgr" else value
        value = (value - np.array(mean)) / np.array(std)
    turned = value.transpose(2, 0, 1) if graph.shapes[name][1] in (1, 3) else value
    return {name: turned[None].astype(np.float32)}


def measured(entry: corpus.Entry, folder: Path, home: Path) -> dict[str, Any]:
    path, bare = equalized(entry, folder, home)
    graph = load(path)
    pixels = pictures(folder, graph.shapes[graph.input_names[0]])
    feeds = [fed(entry, graph, p, bare) for p in pixels]
    ranged, tested, moved = feeds[:CALIBRATED], feeds[CALIBRATED:][:MEASURED], pixels[CALIBRATED:][:MEASURED]
    ranges = rounding.widths(graph, measure(graph, ranged, {n: None for n in graph.shapes if n not in graph.constants}))
    stored = [n for node in graph.nodes for n in node.output if n in ranges and is_quantized(graph, n)]
    row: dict[str, Any] = {"model": entry.name}
    for bits in BITS:
        row[f"{bits} bits"] = worst(rounding.by_output(graph, [stored], ranges, tested, 2**bits - 1)[0])
    runner = session(graph.to_proto())
    exact = [runner.run(None, feed) for feed in tested]
    for most in GREY_LEVELS:
        dice = np.random.default_rng(0)
        noisy = [p + dice.uniform(-most, most, p.shape) for p in moved]
        row[f"±{most:g}"] = worst(rounding.shares(exact, [runner.run(None, fed(entry, graph, p, bare)) for p in noisy]))
    return row


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
