"""Declares Rockchip's NPUs: projects that the simulator runs, compiled files, the edges that lead there, and the chips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Artifact, Converter, Cost, Environment, Format, Recognition, Runner, Symptom, Target, ValidationReport
from edgeroute_rknn.options import QuantizeOptions

EDGEROUTE_API = 1
PACKAGE = "edgeroute_rknn"
RULES = "edgeroute_rknn:rules.toml"
CHIPS = ("rk3588", "rk3576", "rk3566")

SYMPTOMS = (
    Symptom(
        r"(?:Unsupported|unsupport|Not support) (?:op|operator|OP):? ?'?(\w+)",
        "rknn-operator",
        "the compiler has no translation for {0}",
        "replace that operator, or cut the model before it",
    ),
    Symptom(
        r"ValueError: (The input shape .* is not support!)",
        "rknn-shape",
        "the compiler refuses the input: {0}",
        "pin it: --input-shape NAME:1,3,H,W",
    ),
)


@hookimpl
def edgeroute_formats() -> Iterable[Format]:
    compiled = [
        Format(f"rknn-{chip}", f"RKNN, compiled for {chip.upper()}", ".rknn", is_a="rknn", precision="opaque", static=True)
        for chip in CHIPS
    ]
    return [
        Format("rknn-project", "RKNN project: quantized, not yet compiled", "", precision="int8", static=True),
        Format("rknn", "RKNN, compiled for one of Rockchip's chips", ".rknn", precision="opaque", static=True),
        *compiled,
    ]


@hookimpl
def edgeroute_environments() -> Iterable[Environment]:
    """The toolkit's own pins, but torch: see `vendor.py`."""
    return [
        Environment(
            name="rknn",
            requirements=(
                "numpy==1.26.4",
                "onnx==1.18.0",
                "onnxruntime==1.26.0",
                "opencv-python-headless==4.11.0.86",
                "protobuf==4.25.4",
                "psutil==7.2.2",
                "ruamel.yaml==0.19.1",
                "scipy==1.17.1",
                "tqdm==4.70.1",
                "fast-histogram==0.14",
                "setuptools==80.9.0",
            ),
            no_deps=("rknn-toolkit2==2.5.0",),
            python=">=3.11,<3.13",
            megabytes=450,
        )
    ]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    quantize = Converter(
        name="rknn-quantize",
        title="gather all that the compiler needs, and have it quantized in the simulator",
        source="onnx-static",
        target="rknn-project",
        run=f"{PACKAGE}.quantize:run",
        options=QuantizeOptions,
        environment="rknn",
        cost=Cost(risk=0.06, loss=0.9, seconds=6),
        preflight=f"{PACKAGE}.preflight:preflight",
        symptoms=SYMPTOMS,
    )
    return [quantize, *map(_compile, CHIPS)]


def _compile(chip: str) -> Converter:
    return Converter(
        name="rknn-compile",
        title=f"compile for {chip.upper()}",
        source="rknn-project",
        target=f"rknn-{chip}",
        run=f"{PACKAGE}.compile:{chip}",
        environment="rknn",
        cost=Cost(risk=0.03, seconds=6),
        symptoms=SYMPTOMS,
    )


@hookimpl
def edgeroute_runners() -> Iterable[Runner]:
    return [Runner("rknn-simulator", ("rknn-project",), f"{PACKAGE}.session:load", environment="rknn")]


@hookimpl
def edgeroute_targets() -> Iterable[Target]:
    return [Target(chip, f"Rockchip {chip.upper()}, NPU", (f"rknn-{chip}",), rules=RULES) for chip in CHIPS]


@hookimpl
def edgeroute_recognize(path: Path) -> Recognition | None:
    from edgeroute_rknn import container, project

    if project.is_ours(path):
        return Recognition("rknn-project", project.facts(path))
    if not container.is_ours(path):
        return None
    found = container.read(path)
    chip = next((c for c in CHIPS if c in found.chips), "")
    return Recognition(f"rknn-{chip}" if chip else "rknn", container.facts(found))


@hookimpl
def edgeroute_check(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> ValidationReport | None:
    if target.rules != RULES:
        return None
    from edgeroute_rknn.check import check

    return check(artifact, target, context)
