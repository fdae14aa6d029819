"""Source kind × converter → works, float parity, seconds, memory: real conversions of small trained networks, in one run. See README.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))
from docs.scripts.markdown import grid  # noqa: E402
from edgeroute.api import convert  # noqa: E402
from edgeroute.cache import Cache  # noqa: E402
from edgeroute.errors import EdgerouteError  # noqa: E402
from edgeroute.types import ConversionResult, StepRecord  # noqa: E402
from edgeroute.workshop import Workshop, open_workshop  # noqa: E402
from tests.nets import NAMES, SHAPES, data  # noqa: E402
from tests.plugins.real_tools import convert as real_convert  # noqa: E402
from tests.plugins.real_tools import edge, trained  # noqa: E402

FACTORY: Mapping[str, Any] = {"model": "tests.nets.factories:build"}
ROADS: Mapping[str, Sequence[str]] = {
    "litert-torch": ("torch-export", "litert-torch"),
    "torch-onnx, onnx2tf": ("torch-export", "torch-onnx", "onnx2tf"),
    "torch-onnx-legacy, onnx2tf": ("torch-export", "torch-onnx-legacy", "onnx2tf"),
    "torch-onnx, onnx2tf-savedmodel": ("torch-export", "torch-onnx", "onnx2tf-savedmodel"),
    "torch-onnx-legacy, onnx2tflite": ("torch-export", "torch-onnx-legacy", "onnx2tflite"),
}


@dataclass(frozen=True)
class Case:
    """One conversion: what it starts from, which way, and what it is told."""

    kind: str
    network: str
    source: Path
    via: Sequence[str]
    target: str = "cpu"
    options: Mapping[str, Any] = field(default_factory=dict)


def torch_cases(folder: Path) -> Iterator[Case]:
    """One trained network in every kind of PyTorch's files."""
    shaped = {"input_shapes": {"image": SHAPES["depthwise"]}}
    told = {**FACTORY, **shaped, "options": factory_options("depthwise")}
    legacy = ("torch-onnx-legacy", "onnx2tf")
    yield Case("exported program", "depthwise", folder / "program.pt2", ("litert-torch",))
    yield Case("exported program", "depthwise", folder / "program.pt2", ("torch-onnx", "onnx2tf"))
    yield Case("exported program, open batch", "depthwise", folder / "open-batch.pt2", ("litert-torch",), options=shaped)
    direct = ROADS["litert-torch"]
    yield Case("checkpoint", "depthwise", folder / "checkpoint.pt", direct, options=told)
    yield Case("checkpoint, nested, 16-bit", "depthwise", folder / "nested.pt", ("torch-export", *legacy), options=told)
    yield Case("safetensors", "depthwise", folder / "weights.safetensors", direct, options=told)
    trusted = {**shaped, "trust_pickle": True}
    yield Case("pickled module", "depthwise", folder / "module.pt", direct, options={**trusted, **module_options()})
    for file, kind in (("traced.pt", "TorchScript, traced"), ("scripted.pt", "TorchScript, scripted")):
        yield Case(kind, "depthwise", folder / file, legacy, options=trusted)


def road_cases(folder: Path) -> Iterator[Case]:
    """Six trained networks on every road from PyTorch."""
    for via in ROADS.values():
        for name in NAMES:
            told = {**FACTORY, "input_shapes": {"input": SHAPES[name]}, "options": factory_options(name)}
            yield Case("state dict", name, folder / f"{name}.pth", via, options=told)


def factory_options(name: str) -> dict[str, Any]:
    """What the user's factory is given, and where its code lies."""
    return {"torch-export": {"model_arguments": {"name": name}, "code_path": str(HERE.parents[1])}}


def module_options() -> dict[str, Any]:
    """Where the code of a pickled module lies."""
    return {"options": {"torch-export": {"code_path": str(HERE.parents[1])}}}


def keras_cases(folder: Path) -> Iterator[Case]:
    """Every kind of Keras and TensorFlow file to TFLite and to ONNX."""
    kinds = {
        "convolutional.keras": "Keras 3",
        "recurrent.keras": "Keras 3",
        "two_headed.keras": "Keras 3",
        "model.h5": "HDF5",
        "keras2.h5": "HDF5 of Keras 2",
    }
    for file, kind in kinds.items():
        network = "convolutional" if file == "model.h5" else file.split(".")[0]
        yield Case(kind, network, folder / file, ("keras-savedmodel", "tf-lite"))
        yield Case(kind, network, folder / file, ("tf2onnx", "onnx2tf"))
    yield Case("SavedModel", "convolutional", folder / "exported", ("tf-lite",))
    yield Case("SavedModel", "convolutional", folder / "exported", ("tf2onnx", "onnx2tf"))
    signed = {"signature": "small", "input_shapes": {"image": (1, data.SIZE, data.SIZE, 3)}}
    yield Case("SavedModel, named signature", "convolutional", folder / "two_signatures", ("tf-lite",), options=signed)
    yield Case("frozen graph", "convolutional", folder / "frozen.pb", ("graphdef-savedmodel", "tf-lite"))


def graph_cases(folder: Path) -> Iterator[Case]:
    """Files from the middle of a road, as others wrote them: ONNX in one piece and in two, TFLite in float and in integers."""
    for file, kind in (("network.onnx", "ONNX"), ("beside.onnx", "ONNX, weights beside it")):
        for converter in ("onnx2tf", "onnx2tf-savedmodel", "onnx2tflite"):
            yield Case(kind, "depthwise", folder / file, (converter,))
    told = {"calibrate": folder.parent / "nhwc.npz"}
    for quantizer in ("tf-quantizer", "ai-edge-quantizer"):
        yield Case("TFLite, float", "convolutional", folder / "float.tflite", (quantizer,), "artpec9", told)
    yield Case("TFLite, float", "convolutional", folder / "float.tflite", ("tf2onnx", "onnx2tf"))
    yield Case("TFLite, int8", "convolutional", folder / "int8.tflite", (), "artpec9")


def int8_cases(folder: Path, keras: Path, samples: Path) -> Iterator[Case]:
    """The same trained PyTorch network to artpec9 on every road; a Keras network to artpec8 three ways, and as ONNX for cv25."""
    told = {
        **FACTORY,
        "input_shapes": {"image": SHAPES["depthwise"]},
        "options": factory_options("depthwise"),
        "calibrate": samples / "nchw.npz",
    }
    for via in ROADS.values():
        yield Case("state dict", "depthwise", folder / "depthwise.pth", (*via, "tf-quantizer"), "artpec9", told)
    yield Case("state dict", "depthwise", folder / "depthwise.pth", ("torch-export", "litert-torch", "ai-edge-quantizer"), "artpec9", told)
    told = {"calibrate": samples / "nhwc.npz"}
    own = "tf-lite:savedmodel->tflite-int8-pt"
    for via in (("keras-savedmodel", own), ("keras-savedmodel", "tf-lite", "tf-quantizer"), ("tf2onnx", "onnx2tf", "tf-quantizer")):
        yield Case("Keras 3", "convolutional", keras / "convolutional.keras", via, "artpec8", told)
    yield Case("Keras 3", "convolutional", keras / "convolutional.keras", ("tf2onnx",), "cv25", {**told, "preprocess": "0..1"})


def run(case: Case, workshop: Workshop, folder: Path) -> tuple[str, ConversionResult | None]:
    """The result, or in one line why there is none."""
    out = folder / ("bundle" if case.target == "cv25" else "result")
    try:
        return "", convert(str(case.source), case.target, out=out, via=case.via, workshop=workshop, **case.options)
    except EdgerouteError as error:
        return f"{error.code}: {error.message.splitlines()[0]}", None


def row(case: Case, answer: tuple[str, ConversionResult | None]) -> list[str]:
    """A line of the table. What a step took stands in the cache's entry, also for a line that only used it again."""
    error, result = answer
    way = " → ".join(result.route if result else case.via)
    if result is not None and not result.steps:
        return [case.kind, case.network, case.target, "none: it is delivered as it is", "yes", "", "", ""]
    if result is None:
        return [case.kind, case.network, case.target, way, f"no: {error}", "", "", ""]
    steps = [json.loads((Path(s.folder) / "entry.json").read_text(encoding="utf-8")) for s in result.steps if s.folder]
    final = next((s for s in reversed(result.steps) if s.status in ("passed", "degraded")), None)
    works = {"succeeded": "yes", "handed-over": "yes, up to the vendor's compiler"}.get(result.status, result.status)
    seconds, memory = sum(s["seconds"] for s in steps), max((s["peak_rss_mb"] for s in steps), default=0.0)
    return [case.kind, case.network, case.target, way, works, parity(final), f"{seconds:.0f}", f"{memory:.0f}"]


def unmeasured(case: Case) -> list[str]:
    """A line that a run has not come to yet."""
    return [case.kind, case.network, case.target, " → ".join(case.via), "not measured yet", "", "", "", ""]


def parity(step: StepRecord | None) -> str:
    """The largest relative error of a float file, or the SQNR of an int8 one."""
    if step is None or step.verification is None or not step.verification.outputs:
        return "not measured"
    if step.verification.kind == "int8":
        return f"{step.verification.sqnr_db:.1f} dB"
    return f"{max(o.relative for o in step.verification.outputs):.0e}"


def save_samples(folder: Path) -> None:
    """Pictures that the networks were not trained on."""
    import numpy as np

    pictures, _ = data.pictures(96, 5)
    np.savez(folder / "nchw.npz", image=pictures)
    np.savez(folder / "nhwc.npz", image=np.ascontiguousarray(pictures.transpose(0, 2, 3, 1)))


def main() -> None:
    """Print the tables as Markdown; with --out write them to a file, anew after every line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the page that is written")
    parser.add_argument("--only", default="", help="part of a source kind's or a converter's name")
    parser.add_argument("--known", action="store_true", help="measure nothing: write the lines that an earlier run in --work left")
    parser.add_argument("--work", type=Path, help="folder for networks and cache; a run that was stopped goes on there")
    chosen = parser.parse_args()
    if chosen.work:
        measure(chosen.work, chosen.only, chosen.out, chosen.known)
        return
    with tempfile.TemporaryDirectory(prefix="edgeroute-sources-") as name:
        measure(Path(name), chosen.only, chosen.out)


def measure(work: Path, only: str, out: Path | None, known_only: bool = False) -> None:
    """Take every case (none that is not measured already, where `known_only`), and write the page after each."""
    torch, keras = (networks(framework, work) for framework in ("torch", "keras"))
    save_samples(work)
    workshop = dataclasses.replace(open_workshop(), cache=Cache(work / "cache"))
    known = json.loads((work / "rows.json").read_text()) if (work / "rows.json").exists() else {}
    tables: dict[str, list[list[str]]] = {}
    between(torch, keras, work, workshop)
    for title, case in tables_of(torch, keras, work):
        if not wanted(case, only, workshop):
            continue
        name = " ".join((case.kind, case.network, case.source.name, case.target, *case.via))
        if name not in known and not known_only:
            known[name] = [*row(case, run(case, workshop, work)), revision()]
            (work / "rows.json").write_text(json.dumps(known, indent=1))
        tables.setdefault(title, []).append(known.get(name) or unmeasured(case))
        print(" | ".join(tables[title][-1]), file=sys.stderr, flush=True)
        if out:
            out.write_text(page(tables), encoding="utf-8")
    print(page(tables))


def tables_of(torch: Path, keras: Path, work: Path) -> Iterator[tuple[str, Case]]:
    """Every case under its table's title."""
    yield from (("Full integer", case) for case in int8_cases(torch, keras, work))
    kinds = (torch_cases(torch), keras_cases(keras), graph_cases(work / "nets-between"))
    yield from (("Kinds of source files", case) for cases in kinds for case in cases)
    yield from (("Six networks", case) for case in road_cases(torch))


def revision() -> str:
    """Where on main the code stands that measures a line: commits of other branches get other names when they land."""
    base = subprocess.run(("git", "merge-base", "HEAD", "main"), cwd=HERE, capture_output=True, text=True, check=True).stdout
    return base[:7]


def networks(framework: str, work: Path) -> Path:
    """The trained networks, made once in a folder."""
    folder = work / f"nets-{framework}"
    if not folder.exists():
        shutil.copytree(trained(framework), folder)
    return folder


def between(torch: Path, keras: Path, work: Path, workshop: Workshop) -> None:
    """Write the ONNX and TFLite files that are sources of their own, once in a folder: of the same trained networks."""
    import onnx

    folder = work / "nets-between"
    if folder.exists():
        return
    folder.mkdir()
    legacy = edge("torch_onnx", "torch-onnx-legacy", "torchscript")
    real_convert(legacy, torch / "traced.pt", folder / "network.onnx", trust=True, input_shapes={"image": SHAPES["depthwise"]})
    model = onnx.load(str(folder / "network.onnx"))
    onnx.save(model, str(folder / "beside.onnx"), save_as_external_data=True, location="beside.bin", size_threshold=0)
    road = ("keras-savedmodel", "tf-lite")
    source = str(keras / "convolutional.keras")
    convert(source, "cpu", out=folder / "float.tflite", via=road, workshop=workshop)
    convert(source, "artpec9", out=folder / "int8.tflite", via=(*road, "tf-quantizer"), calibrate=work / "nhwc.npz", workshop=workshop)


def wanted(case: Case, part: str, workshop: Workshop) -> bool:
    """Whether a case was asked for; onnx2tflite only where its environment or a clone of it is at hand."""
    if "onnx2tflite" in case.via and workshop.environments.state("onnx2tflite").closed:
        return False
    return part in case.kind or any(part in name for name in case.via)


def page(tables: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """The page: what the numbers are, and the tables."""
    parts = [
        "# Sources and converters, measured\n",
        f"Written by `python benchmarks/sources/table.py` on {os.cpu_count()} processors without a graphics card. The networks are those of `tests/nets`, "
        "trained for seconds on made-up data; none is a model that anybody uses.\n",
        "- *Fidelity*: the largest difference to the source's outputs over their range where the result is float; the "
        "signal-to-quantization-noise ratio in dB where it is int8. On samples that the quantizer did not see.",
        "- *Seconds* and *MB* (largest resident memory) are those of the route's steps; verification comes on top. Other work ran on the same "
        "machine.",
        "- *Commit*: where on main the code stood that measured the line. A run that is stopped goes on later.",
        "- Where a line says no, it says so with the code and the message that a user gets.\n",
    ]
    for title, rows in tables.items():
        header = ("source", "network", "to", "route", "works", "fidelity", "seconds", "MB", "commit")
        parts.append(f"## {title}\n\n{grid(header, rows)}")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
