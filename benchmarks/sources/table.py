"""Source kind × converter → works, float parity, seconds, memory: real conversions of small trained networks, in one run. See README.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
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
from tests.plugins.real_tools import trained  # noqa: E402

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
    """Six networks on every road, and one network in every other kind of file on the first that takes it."""
    shaped = {"input_shapes": {"image": SHAPES["depthwise"]}}
    told = {**FACTORY, **shaped, "options": factory_options("depthwise")}
    yield Case("exported program", "depthwise", folder / "program.pt2", ("litert-torch",))
    yield Case("exported program, open batch", "depthwise", folder / "open-batch.pt2", ("litert-torch",), options=shaped)
    yield Case("checkpoint", "depthwise", folder / "checkpoint.pt", ROADS["litert-torch"], options=told)
    yield Case("safetensors", "depthwise", folder / "weights.safetensors", ROADS["litert-torch"], options=told)
    yield Case(
        "pickled module",
        "depthwise",
        folder / "module.pt",
        ROADS["litert-torch"],
        options={**shaped, **module_options(), "trust_pickle": True},
    )
    for file, kind in (("traced.pt", "TorchScript, traced"), ("scripted.pt", "TorchScript, scripted")):
        yield Case(kind, "depthwise", folder / file, ("torch-onnx-legacy", "onnx2tf"), options={**shaped, "trust_pickle": True})
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


def row(case: Case, answer: tuple[str, ConversionResult | None], measured: dict[str, StepRecord]) -> list[str]:
    """A line of the table; `measured` keeps what a step took when it ran, for the lines that only used it again."""
    error, result = answer
    way = " → ".join(result.route if result else case.via)
    if result is None:
        return [case.kind, case.network, case.target, way, f"no: {error}", "", "", ""]
    measured.update({s.folder: s for s in result.steps if not s.cached})
    steps = [measured.get(s.folder, s) for s in result.steps]
    final = next((s for s in reversed(result.steps) if s.status in ("passed", "degraded")), None)
    works = {"succeeded": "yes", "handed-over": "yes, up to the vendor's compiler"}.get(result.status, result.status)
    seconds, memory = sum(s.seconds for s in steps), max((s.peak_rss_mb for s in steps), default=0.0)
    return [case.kind, case.network, case.target, way, works, parity(final), f"{seconds:.0f}", f"{memory:.0f}"]


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
    parser.add_argument("--work", type=Path, help="folder for networks and cache; a run that was stopped goes on there")
    chosen = parser.parse_args()
    if chosen.work:
        measure(chosen.work, chosen.only, chosen.out)
        return
    with tempfile.TemporaryDirectory(prefix="edgeroute-sources-") as name:
        measure(Path(name), chosen.only, chosen.out)


def measure(work: Path, only: str, out: Path | None) -> None:
    """Take every case, and write the page after each."""
    torch, keras = (networks(framework, work) for framework in ("torch", "keras"))
    save_samples(work)
    workshop = dataclasses.replace(open_workshop(), cache=Cache(work / "cache"))
    known = json.loads((work / "rows.json").read_text()) if (work / "rows.json").exists() else {}
    measured: dict[str, StepRecord] = {}
    tables: dict[str, list[list[str]]] = {}
    for title, case in (*(("Full integer", c) for c in int8_cases(torch, keras, work)), *(("Float", c) for c in float_cases(torch, keras))):
        if not wanted(case, only, workshop):
            continue
        name = " ".join((case.kind, case.network, case.source.name, case.target, *case.via))
        if name not in known:
            known[name] = row(case, run(case, workshop, work), measured)
            (work / "rows.json").write_text(json.dumps(known, indent=1))
        tables.setdefault(title, []).append(known[name])
        print(" | ".join(known[name]), file=sys.stderr, flush=True)
        if out:
            out.write_text(page(tables), encoding="utf-8")
    print(page(tables))


def float_cases(torch: Path, keras: Path) -> Iterator[Case]:
    """Everything that ends in a float file."""
    yield from torch_cases(torch)
    yield from keras_cases(keras)


def networks(framework: str, work: Path) -> Path:
    """The trained networks, made once in a folder."""
    folder = work / f"nets-{framework}"
    if not folder.exists():
        shutil.copytree(trained(framework), folder)
    return folder


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
        "trained for seconds on made-up data; none is a model that anybody uses. Seconds and the largest resident memory (MB) are those of the route's "
        "steps, each when it ran; verification comes on top. *Relative error* is the largest difference to the source's outputs over their range, "
        "*SQNR* the signal-to-quantization-noise ratio against the source, both on samples that the quantizer did not see.\n",
    ]
    for title, measure_name in (("Full integer", "SQNR"), ("Float", "relative error")):
        if title in tables:
            header = ("source", "network", "to", "route", "works", measure_name, "seconds", "MB")
            parts.append(f"## {title}\n\n{grid(header, tables[title])}")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
