"""Converts the trained models of corpus.toml for two cameras and writes what the reports say: docs/reference/corpus.md.

python benchmarks/corpus_table.py [--corpus build/corpus] [--models A,B] [--effort auto] [--out docs/reference/corpus.md]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import corpus  # noqa: E402

TARGETS = ("artpec9", "artpec8")

HEAD = """# Trained models on the road

What `edgeroute convert` says of trained models that public packages carry (`benchmarks/corpus.toml`), for ARTPEC-9 (per-channel) and
ARTPEC-8 (per-tensor), with effort `{effort}`. Calibration and measurement: {crops} crops of everyday photographs, {held} of them held back; a
detector of faces or text finds little in them, so its scores are hard to keep, and that is measured, too.
Written by `python benchmarks/corpus_table.py`; parity is every float step's worst output, SQNR against the file as it was given. The seconds count
what an earlier row had not left in the cache already, on two processors with other work. `--models A,B` measures these again and keeps the other rows.

| model | device | status | route | float parity by step (dB) | int8 SQNR, by output | correlation | errors and warnings | seconds |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def command(entry: corpus.Entry, folder: Path, target: str, effort: str, out: Path) -> list[str]:
    """One conversion as a user would type it."""
    start = [sys.executable, "-m", "edgeroute", "convert", *entry.words(folder)]
    return [*start, "--to", target, "--out", str(out), "--json", "--effort", effort]


def row(entry: corpus.Entry, folder: Path, target: str, effort: str) -> str:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        started = time.monotonic()
        done = subprocess.run(
            command(entry, folder, target, effort, Path(scratch) / "model.tflite"), capture_output=True, text=True, check=False
        )
    seconds = time.monotonic() - started
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"{entry.name} → {target}: no JSON, exit {done.returncode}\n{done.stderr}") from None
    cells = failed(answer["error"]) if "error" in answer else succeeded(answer)
    cached = "error" not in answer and all(step["cached"] for step in answer["steps"])
    return "| " + " | ".join([entry.name, target, *cells, "cached" if cached else f"{seconds:.0f}"]) + " |"


def kept(page: Path) -> dict[tuple[str, str], str]:
    """The rows that a page has, by model and device."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    found = [(line.split(" | "), line) for line in lines if line.startswith("| ")]
    return {(cells[0].removeprefix("| "), cells[1]): line for cells, line in found if cells[1] in TARGETS}


def failed(error: dict[str, Any]) -> list[str]:
    return [f"refused (exit {error['exit_code']})", "–", "–", "–", "–", f"`{error['code']}`: {error['message']}".replace("|", "/")]


def succeeded(answer: dict[str, Any]) -> list[str]:
    outputs = [o for o in answer["fidelity"].get("outputs", []) if "[" not in o["name"]]
    floats = [
        f"{s['converter']} {min(o['sqnr_db'] for o in s['verification']['outputs']):.0f}"
        for s in answer["steps"]
        if s["verification"] and s["verification"]["kind"] == "float" and s["verification"]["outputs"]
    ]
    codes = sorted({f["code"] for f in answer["findings"] if f["severity"] != "tip"})
    return [
        answer["status"] + ("" if answer["calibrated"] else ", uncalibrated"),
        " → ".join(answer["route"]),
        ", ".join(floats) or "–",
        ", ".join(f"{o['sqnr_db']:.1f}" if o["sqnr_db"] is not None else "–" for o in outputs) or "–",
        ", ".join(f"{o['correlation']:.3f}" for o in outputs) or "–",
        ", ".join(codes) or "none",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("build/corpus"))
    parser.add_argument("--models", default="")
    parser.add_argument("--effort", default="auto")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "reference" / "corpus.md")
    arguments = parser.parse_args()
    wanted = corpus.entries([m for m in arguments.models.split(",") if m] or None)
    corpus.fetch(arguments.corpus, wanted)
    rows = kept(arguments.out) if arguments.models else {}
    for entry in wanted:
        for target in TARGETS:
            rows[entry.name, target] = row(entry, arguments.corpus, target, arguments.effort)
            print(rows[entry.name, target], flush=True)
            head = HEAD.format(effort=arguments.effort, crops=len(list(corpus.crops(arguments.corpus).iterdir())), held=32)
            arguments.out.write_text(head + "\n".join(rows.values()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
