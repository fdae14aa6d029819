"""The benchmark's rows as a page and a picture."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
ORDER = ("onnx2tf", "ai-edge-quantizer", "tensorflow", "fast", "auto", "balanced", "max", "prepared", "split", "equalized", "both")
TITLES = {
    "onnx2tf": "onnx2tf alone", "ai-edge-quantizer": "ai-edge-quantizer alone", "tensorflow": "TensorFlow's quantizer alone",
    "fast": "edgeroute, effort fast", "auto": "edgeroute (auto)", "balanced": "edgeroute, effort balanced", "max": "edgeroute, effort max",
    "prepared": "prepare", "split": "prepare, split-heads", "equalized": "prepare, equalize", "both": "prepare, split-heads, equalize",
}  # fmt: skip
GRAINS = {"pc": "per channel", "pt": "per tensor"}
HEAD = """# int8, measured

Trained models of `benchmarks/corpus.toml`, with the bare quantizers and with edgeroute, by `benchmarks/int8/run.py`, which wrote this
page (measured cells are kept, so rows may be of different days): calibrated on crops of everyday photographs (random data where a model takes no pictures), measured on 32 of them that no quantizer saw, against
onnxruntime on the file as it was given.
*Refused* is what the code in brackets says: a dead output, float operators left, a crash. A spread or correlation is the worst output's. The seconds are
those of the steps on the final route (what an earlier row left in the cache counts as nothing), on a machine with other work. edgeroute's rows are files
for ARTPEC-9 (per channel) and ARTPEC-8 (per tensor); ARTPEC-9 also takes per-tensor files, so a search may deliver one there. A bare tool's
file that is integer in part only is measured as it is: its float operators are counted. *[split-nothing]* in the ablation: no output is joined.
**What is not in the table has not been measured.**

![Worst output's SQNR by model and way](../pictures/int8-measured.svg)

| model | weights | way | worst output's SQNR | all outputs | correlation | spread | float operators | tried | seconds | MB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
WIDTH, BAR, LEFT, SCALE = 760, 13, 330, 8.0


def worst(row: Row) -> float | None:
    """The worst judged output's decibels; None where there is no file."""
    numbers = [o["sqnr_db"] for o in row.get("outputs", []) if o["judged"] and o["sqnr_db"] is not None]
    return min(numbers, default=None)


def line(row: Row) -> str:
    head = [row["model"], GRAINS[row["grain"]], TITLES[row["way"]]]
    if row["status"] == "refused":
        cells = [f"refused [{row['code']}]", "–", "–", "–", "–", "–", f"{row['seconds']:.0f}", "–"]
    else:
        judged = [o for o in row["outputs"] if o["judged"]]
        number = worst(row)
        cells = [
            "–" if number is None else f"{number:.1f} dB",
            ", ".join(f"{o['sqnr_db']:.1f}" for o in judged if o["sqnr_db"] is not None),
            f"{min((o['correlation'] for o in judged), default=1.0):.3f}",
            f"{max((o['spread'] for o in judged), key=lambda s: abs(s - 1), default=1.0):.2f}",
            "?" if row["float_operators"] is None else str(row["float_operators"]),
            str(row["tried"]),
            f"{row['work_seconds']:.0f}",
            str(row["megabytes"]),
        ]
    return "| " + " | ".join([*head, *cells]) + " |"


def write(rows: Sequence[Row], docs: Path) -> None:
    ordered = sorted(rows, key=lambda r: (r["model"], r["grain"], ORDER.index(r["way"])))
    (docs / "explanation" / "int8-measured.md").write_text(HEAD + "\n".join(map(line, ordered)) + "\n", encoding="utf-8")
    (docs / "pictures" / "int8-measured.svg").write_text(picture(ordered), encoding="utf-8")


def picture(rows: Sequence[Row]) -> str:
    """A bar for each row; a refused one has none, and says why."""
    parts, y, group = [], 10, ""
    for row in rows:
        title = f"{row['model']}, {GRAINS[row['grain']]}"
        if title != group:
            y += 14
            parts.append(f'<text x="8" y="{y + 10}" font-weight="bold">{html.escape(title)}</text>')
            group = title
            y += 18
        number = worst(row)
        color = "#2f7d4f" if row["way"] in ("fast", "auto", "balanced", "max") else "#8a8a8a" if row["way"] in ORDER[:3] else "#7aa6c2"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 10}" text-anchor="end">{html.escape(TITLES[row["way"]])}</text>')
        length = max(1.0, (number or 0) * SCALE)
        if number is not None:
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.0f}" height="{BAR - 2}" fill="{color}"/>')
        said = f"{number:.1f} dB" if number is not None else f"refused: {row.get('code', '')}"
        parts.append(f'<text x="{LEFT + (length if number is not None else 0) + 6:.0f}" y="{y + 10}">{html.escape(said)}</text>')
        y += BAR + 3
    style = "<style>text{font:11px sans-serif;fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>"
    title = "<title>SQNR of the worst output, by model and way</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 12}" role="img">{title}{style}{"".join(parts)}</svg>\n'
