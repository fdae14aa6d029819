"""Float, the bare quantizers and edgeroute on the reader of digits: right answers, decibels and what was refused. Writes the table of README.md.

    python examples/accuracy/measure.py [--efforts fast,auto]

Every file is made by `edgeroute convert`, the bare quantizers as edges of a plugin (benchmarks/int8/bare.py), so that all are measured alike. Right
answers are counted by count.py, outside of edgeroute; those of a file that was refused, too: it lies in the failed step's folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgeroute import paths
from edgeroute.workshop import RUNTIME, open_workshop

HERE = Path(__file__).resolve().parent
BARE = HERE.parents[1] / "benchmarks" / "int8" / "bare.py"
BEGIN, END = "<!-- measured -->", "<!-- end -->"
GRAINS = {"pc": ("per channel", "artpec9"), "pt": ("per tensor", "artpec8")}
TOOLS = {"onnx2tf": "onnx2tf's own int8", "ai-edge-quantizer": "ai-edge-quantizer alone", "tensorflow": "TensorFlow's quantizer alone"}
PICTURES = ("--calibrate", str(HERE / "calibration"), "--scale", "1/255")
HEADS = ("weights", "way", "right answers", "centres off by", "fidelity", "edgeroute says")


def ways(efforts: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Granularity, name and words of each way."""
    yield "float", "float32, as TFLite", ["--to", "cpu", "--effort", "fast"]
    for grain, (told, camera) in GRAINS.items():
        for tool, name in TOOLS.items():
            via = ["onnxslim", *([] if tool == "onnx2tf" else ["onnx2tf"]), f"bare-{tool}-{grain}"]
            yield told, name, ["--plugin", str(BARE), "--to", "bench", "--via", ",".join(via), "--allow-degraded"]
        for effort in efforts:
            yield told, f"edgeroute, effort {effort}", ["--to", camera, "--effort", effort]


def row(told: str, name: str, words: Sequence[str]) -> list[str]:
    """Convert, count, and tell what edgeroute said of it."""
    with tempfile.TemporaryDirectory() as folder:
        place, home = Path(folder) / "reader.tflite", Path(folder) / "home"
        answer = converted([*words, *PICTURES], place, home)
        if "error" not in answer:
            return [told, name, *counted(place), f"{float(answer['fidelity']['sqnr_db']):.1f} dB", str(answer["status"])]
        refused = next(iter(home.glob("failed/*/out/*.tflite")), None)
        return [told, name, *(counted(refused) if refused else ("no file", "–")), "–", f"refused: `{answer['error']['code']}`"]


def converted(words: Sequence[str], out: Path, home: Path) -> dict[str, Any]:
    """What the command answers; its file is at `out` where there is one."""
    environ = {**os.environ, "EDGEROUTE_HOME": str(home), "EDGEROUTE_ENVIRONMENTS": str(paths.environments())}
    command = [sys.executable, "-m", "edgeroute", "convert", str(HERE / "reader.onnx"), *words, "--out", str(out), "--json"]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=False, env=environ).stdout)
    return answer


def counted(file: Path) -> tuple[str, str]:
    """Right answers and the distance of the centres, on pictures of digits that nobody has seen."""
    python = open_workshop().environments.ensure(RUNTIME).python
    command = [str(python), str(HERE / "count.py"), str(file)]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return f"{answer['right']:.1f} %", f"{answer['off']:.1f} px"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--efforts", default="fast,auto")
    lines = [f"| {' | '.join(HEADS)} |", "| --- " * len(HEADS) + "|"]
    for told, name, words in ways(parser.parse_args().efforts.split(",")):
        lines.append(f"| {' | '.join(row(told, name, words))} |")
        print(lines[-1], flush=True)
    page = HERE / "README.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}" + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
