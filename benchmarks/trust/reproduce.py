"""Runs bare tools over the trained models of the corpus and writes, side by side, what they left and what edgeroute answers. See README.md."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import bare  # noqa: E402
import corpus  # noqa: E402

from edgeroute.workshop import open_workshop  # noqa: E402

USABLE = 1e-3
"""Of an output's range."""
SECONDS = 600


@dataclass(frozen=True)
class Run:
    """One bare run: how it ended, and what it left."""

    exit_code: int
    changed: bool
    source: str
    file: dict[str, Any]

    @property
    def usable(self) -> bool:
        return self.exit_code == 0 and self.file.get("state") == "runs" and self.file["off"] <= USABLE

    @property
    def untold(self) -> bool:
        """Whether made-up data could not show what the file computes."""
        return str(self.file["state"]).startswith("not told")

    @property
    def told(self) -> str:
        """What the file is worth, in a few words."""
        if self.file["state"] != "runs":
            return str(self.file["state"])
        off = f"off by {self.file['off']:.2g}" if self.file["off"] > USABLE else "good"
        return off + (", open dimensions" if self.file["open"] else "")


def pythons() -> dict[str, Path]:
    """Interpreters of the environments that are needed, built where they are missing."""
    shop = open_workshop()
    return {name: shop.environments.ensure(name, shop.progress).python for name in ("onnx2tf", "runtime", "ai-edge-quantizer")}


def shape_of(entry: corpus.Entry, python: Path, model: Path) -> str:
    """NAME:SHAPE as the tool wants it; the name comes from the file where the corpus leaves it out."""
    if not entry.shape or ":" in entry.shape:
        return entry.shape
    code = "import onnxruntime as o, sys; print(o.InferenceSession(sys.argv[1]).get_inputs()[0].name)"
    name = subprocess.run([python, "-c", code, model], capture_output=True, text=True, check=True).stdout.strip()
    return f"{name}:{entry.shape}"


def bare_run(tools: dict[str, Path], model: Path, shape: str, helper: bool, folder: Path) -> Run:
    """Give the tool a copy, as a user gives it his file; look at everything afterwards."""
    given = folder / model.name
    shutil.copyfile(model, given)
    os.chdir(folder)
    command = bare.command(tools["onnx2tf"], given, folder / "out", shape)
    own = str(tools["onnx2tf"].parent)
    path = os.pathsep.join([own, os.environ["PATH"]]) if helper else os.environ["PATH"]
    with (folder / "log.txt").open("wb") as log:
        done = subprocess.run(command, env={**os.environ, "PATH": path}, stdout=log, stderr=log, check=False, timeout=SECONDS)
    written = sorted((folder / "out").glob("*_float32.tflite")) or [folder / "missing"]
    seen = subprocess.run(
        [tools["runtime"], HERE / "probe.py", model, given, written[0], shape], capture_output=True, text=True, check=False
    )
    if seen.returncode:
        raise SystemExit(f"{model.name}: {seen.stderr[-2000:]}")
    found = json.loads(seen.stdout.splitlines()[-1])
    return Run(done.returncode, digest(model) != digest(given), found["source"], found["file"])


def edgeroute(model: Path, folder: Path, *words: str) -> dict[str, Any]:
    """What edgeroute answers; its JSON."""
    command = [sys.executable, "-m", "edgeroute", "convert", str(model), "--out", str(folder / "answer.tflite"), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}") from None
    return answer


def same_run(entry: corpus.Entry, model: Path, shape: str, helper: bool, folder: Path) -> dict[str, Any]:
    """The very same command, as an edge of edgeroute's."""
    sets = [f"bare-onnx2tf.shape={shape}", f"bare-onnx2tf.helper={str(helper).lower()}"]
    words = [w for s in sets for w in ("--set", s)]
    return edgeroute(model, folder, "--to", "cpu", "--plugin", str(HERE / "bare.py"), "--via", "bare-onnx2tf", *words, *pinned(entry))


def pinned(entry: corpus.Entry) -> list[str]:
    return ["--input-shape", entry.shape] if entry.shape else []


def said(answer: dict[str, Any]) -> str:
    """An answer in a few words."""
    if "error" in answer:
        return f"refused, exit {answer['error']['exit_code']}: `{answer['error']['code']}`"
    floats = [
        o["sqnr_db"]
        for s in answer["steps"]
        if s["verification"]
        for o in s["verification"]["outputs"]
        if o["judged"] and o["sqnr_db"] is not None
    ]
    parity = f", {min(floats):.0f} dB" if floats else ", with a warning: `group-not-judged`"
    return f"{answer['status']}{parity}"


def kept_row(tools: dict[str, Path], entry: corpus.Entry, folder: Path) -> tuple[Run, Run, str]:
    """One line of the table, from `bare/` in the corpus' folder where an earlier run got that far."""
    file = folder / "bare" / f"{entry.name}.json"
    if not file.is_file():
        first, second, line = row(tools, entry, entry.path(folder))
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps([dataclasses.asdict(first), dataclasses.asdict(second), line]), encoding="utf-8")
    first_run, second_run, text = json.loads(file.read_text(encoding="utf-8"))
    return Run(**first_run), Run(**second_run), text


def row(tools: dict[str, Path], entry: corpus.Entry, model: Path) -> tuple[Run, Run, str]:
    """One line of the table."""
    shape = shape_of(entry, tools["runtime"], model)
    before = digest(model)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second, tempfile.TemporaryDirectory() as third:
        with_helper = bare_run(tools, model, shape, True, Path(first))
        without = bare_run(tools, model, shape, False, Path(second))
        answers = [same_run(entry, model, shape, helper, Path(third)) for helper in (True, False)]
        own = edgeroute(model, Path(third), "--to", "cpu", *pinned(entry))
    touched = "changed" if digest(model) != before else "untouched"
    route = " → ".join(own.get("route", ())) or "–"
    cells = [
        entry.name, f"exit {with_helper.exit_code}: {with_helper.told}", f"exit {without.exit_code}: {without.told}",
        ("overwritten" if with_helper.changed else "as it was") + (", no longer loads" if with_helper.source != "works" else ""),
        f"{said(answers[0])}; without helper: {said(answers[1])}", f"{said(own)} ({route}); source {touched}",
    ]  # fmt: skip
    return with_helper, without, "| " + " | ".join(cells) + " |"


HEAD = """# What bare tools hand over

Converters end with exit code 0 and a message of success whatever they wrote. This page is made by `python benchmarks/trust/reproduce.py`: it
runs onnx2tf {version} as its own page says (`onnx2tf -i MODEL -o FOLDER -ois SHAPE`) on the trained ONNX models of `benchmarks/corpus.toml`,
and ai-edge-quantizer with its stock recipe on a detector; looks at what was left with onnxruntime and LiteRT alone; and then has edgeroute
run *the same command* as an edge (`benchmarks/trust/bare.py`, with `--via`), and convert the model in its own way.

## Float: {count} of the corpus' {all} ONNX models{left_out}

- The bare tool ended with exit 0 on **{zero}** of {count}; **{usable}** of the files are usable: they load, take the shape that was asked for,
  and differ from the source by less than {mark:g} of an output's range. Without its helper program `onnxsim` on PATH, exit 0 on {zero_alone},
  usable **{usable_alone}**. Of {untold}, made-up data cannot tell: its output hardly moves, and edgeroute warns of that, too.
- It overwrote **{changed}** of {count} source files in place; **{ruined}** of them no longer load afterwards.
- edgeroute took none of the unusable files for good{believed}, and changed no source file.

| model | bare tool | without `onnxsim` | the file it was given, afterwards | edgeroute, given the same command | edgeroute's own route |
| --- | --- | --- | --- | --- | --- |
"""

INT8 = """
## Int8: a detector whose scores are dead

`nudenet-320n` (a YOLOv8n: boxes up to 320 pixels and class scores of at most 1, joined in one output of 22 channels), quantized by
ai-edge-quantizer's stock recipe with {samples} calibration pictures, measured on {measured} others. A single scale serves boxes and scores.

| | SQNR | cosine | correlation | largest score, float model | largest score, int8 file | verdict |
| --- | --- | --- | --- | --- | --- | --- |
| the usual numbers, whole output | {sqnr:.1f} dB | {cosine:.4f} | {correlation:.4f} | {top:.2f} | {bottom:.2f} | a pass, by any average |
| edgeroute | | | | | | refused, exit {exit_code}: `{code}` |

> {message}
>
> {remedy}
"""


def int8(tools: dict[str, Path], folder: Path) -> str:
    """The detector whose averages are fine and whose scores are gone."""
    (entry,) = corpus.entries(["nudenet-320n"])
    model, pictures = entry.path(folder), corpus.crops(folder)
    words = ["--plugin", str(HERE / "bare.py"), "--calibrate", str(pictures), "--preprocess", "0..1", *pinned(entry)]
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        answer = edgeroute(model, place, "--to", "cpu", "--via", "onnx2tf,bare-quantizer", *words)
        if "error" not in answer:
            raise SystemExit("the detector's scores did not die: nothing to show")
        error = answer["error"]
        kept = next(p for p in newest_failures() if "dead-group" in (p / "error.json").read_text())
        seen = subprocess.run(
            [tools["runtime"], HERE / "scores.py", model, kept / "out", pictures], capture_output=True, text=True, check=False
        )
        if seen.returncode:
            raise SystemExit(seen.stderr[-2000:])
    numbers = json.loads(seen.stdout.splitlines()[-1])
    return INT8.format(**numbers, **{k: error[k] for k in ("exit_code", "code", "message", "remedy")})


def newest_failures() -> list[Path]:
    """Folders of failed steps, the latest first."""
    return sorted(open_workshop().cache.root.glob("failed/*"), key=lambda p: -p.stat().st_mtime)


def head(runs: Sequence[tuple[Run, Run, str]], version: str, left_out: Sequence[str]) -> str:
    first, second = [r[0] for r in runs], [r[1] for r in runs]
    believed = [r for r in runs if not r[0].usable and not r[0].untold and "refused" not in r[2].split(" | ")[4].split(";")[0]]
    return HEAD.format(
        version=version, count=len(runs), all=len(runs) + len(left_out),
        left_out=f" (not run: {', '.join(left_out)})" if left_out else "", zero=sum(r.exit_code == 0 for r in first), usable=sum(r.usable for r in first),
        zero_alone=sum(r.exit_code == 0 for r in second), usable_alone=sum(r.usable for r in second), mark=USABLE,
        untold=sum(r.untold for r in first), changed=sum(r.changed for r in first), ruined=sum(r.source != "works" for r in first),
        believed=f" but {len(believed)}" if believed else "",
    )  # fmt: skip


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def chosen(names: Sequence[str]) -> Iterator[corpus.Entry]:
    """The corpus' ONNX files."""
    yield from (e for e in corpus.entries(list(names) or None) if e.file.endswith(".onnx"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("build/corpus"))
    parser.add_argument("--models", default="")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "docs" / "explanation" / "bare-tools.md")
    arguments = parser.parse_args()
    folder, out = arguments.corpus.absolute(), arguments.out.absolute()
    wanted = list(chosen([m for m in arguments.models.split(",") if m]))
    corpus.fetch(folder, wanted)
    tools, runs = pythons(), []
    for entry in wanted:
        runs.append(kept_row(tools, entry, folder))
        print(runs[-1][2], flush=True)
    code = "import importlib.metadata as m; print(m.version('onnx2tf'))"
    version = subprocess.run([tools["onnx2tf"], "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    left_out = [e.name for e in chosen([]) if e not in wanted]
    text = head(runs, version, left_out) + "\n".join(r[2] for r in runs) + "\n"
    out.write_text(text + int8(tools, folder), encoding="utf-8")


if __name__ == "__main__":
    main()
