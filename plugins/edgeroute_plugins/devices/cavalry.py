"""Ambarella's CV25 and CV75: the rules of the ONNX that goes in, and of the binary that comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.types import Artifact, Json, Target
from edgeroute_plugins.devices.cases import Hit
from edgeroute_plugins.onnx import header
from edgeroute_plugins.onnx.facts import QUANTIZED
from edgeroute_plugins.onnx.macs import graph_macs
from edgeroute_plugins.onnx.proto import Model, ValueInfo

MAGIC = {"cv25": bytes.fromhex("0800020203000000"), "cv75": bytes.fromhex("030003008eea5d0eefbeedfe")}
"""Chip → the first bytes of its binaries, read from files of Axis' model zoo."""
SEPARATORS = "|:,= "
OPSETS = range(13, 18)
PITCH = 32
NAMES_WITHIN = 1 << 16


@dataclass(frozen=True)
class CavalryCase:
    """A file for CVflow: its first bytes, and the ONNX model where it is one."""

    artifact: Artifact
    target: Target
    context: Mapping[str, Any]
    head: bytes
    """The first 64 KiB."""
    model: Model | None = None
    damage: str = ""


def open_case(artifact: Artifact, target: Target, context: Mapping[str, Any]) -> CavalryCase:
    with artifact.path.open("rb") as file:
        head = file.read(NAMES_WITHIN)
    if kind(head, artifact) != "onnx":
        return CavalryCase(artifact, target, context, head)
    try:
        return CavalryCase(artifact, target, context, head, header.read(artifact.path))
    except SourceError as error:
        return CavalryCase(artifact, target, context, head, damage=error.message)


def kind(head: bytes, artifact: Artifact) -> str:
    """tflite, onnx or binary, by the file's content where that speaks."""
    if head[4:8] == b"TFL3":
        return "tflite"
    if chip_of(head) or artifact.format.startswith("cavalry"):
        return "binary"
    return "onnx" if header.looks_like_onnx(head) or artifact.format.startswith("onnx") else "binary"


def chip_of(head: bytes) -> str:
    """cv25, cv75, or empty where the first bytes are neither's."""
    return next((chip for chip, magic in MAGIC.items() if head.startswith(magic)), "")


def one_file(case: CavalryCase) -> Iterator[Hit]:
    if case.damage:
        yield Hit(case.damage, cost=1.0)
    if case.model is not None and (outside := sorted({t.location for t in case.model.tensors() if t.is_external})):
        yield Hit(f"weights stand in {', '.join(outside)}", cost=1.0)


def _inputs(case: CavalryCase) -> tuple[ValueInfo, ...]:
    return case.model.graph.inputs if case.model is not None else ()


def static(case: CavalryCase) -> Iterator[Hit]:
    for value in _inputs(case):
        shape = value.shape or ()
        if not shape or any(not isinstance(d, int) or d < 1 for d in shape):
            yield Hit(f"the shape is {list(shape)}", f"input {value.name}", 1.0)
        elif len(shape) == 4 and shape[0] != 1:
            yield Hit(f"the batch is {shape[0]}", f"input {value.name}", 1.0)


def opset(case: CavalryCase) -> Iterator[Hit]:
    if case.model is not None and case.model.opset not in OPSETS:
        yield Hit(f"it is {case.model.opset}", cost=0.4)


def planar(case: CavalryCase) -> Iterator[Hit]:
    """Every picture has three planes; other inputs may stand beside one."""
    shapes = [value.shape for value in _inputs(case) if value.shape]
    pictures = any(len(shape) == 4 for shape in shapes)
    for value in _inputs(case):
        if value.shape and (len(value.shape) == 4 or not pictures) and (len(value.shape), value.shape[1:2]) != (4, (3,)):
            yield Hit(f"the shape is {list(value.shape)}", f"input {value.name}", 1.0)


def pitch(case: CavalryCase) -> Iterator[Hit]:
    for value in _inputs(case):
        odd = [d for d in (value.shape or ())[2:4] if isinstance(d, int) and d % PITCH]
        if value.shape is not None and len(value.shape) == 4 and value.shape[1] == 3 and odd:
            yield Hit(f"{value.shape[2]}x{value.shape[3]}", f"input {value.name}", 0.3)


def quantized(case: CavalryCase) -> Iterator[Hit]:
    if case.model is None:
        return
    found = Counter(n.op_type for n in case.model.graph.nodes if n.op_type in QUANTIZED or n.op_type.startswith("QLinear"))
    if found:
        yield Hit(", ".join(f"{count} {name}" for name, count in found.most_common()), cost=0.8)


def names(case: CavalryCase) -> Iterator[Hit]:
    if case.model is None:
        return
    for what, values in (("input", case.model.graph.inputs), ("output", case.model.graph.outputs)):
        for value in values:
            if bad := sorted(set(value.name) & set(SEPARATORS)):
                yield Hit(f"{value.name!r} holds {' and '.join(map(repr, bad))}", f"{what} {value.name}", 1.0)


def chip(case: CavalryCase) -> Iterator[Hit]:
    if kind(case.head, case.artifact) != "binary":
        return
    found = chip_of(case.head)
    if found != case.target.name:
        yield Hit(f"its first bytes are those of {found}" if found else "its first bytes are those of no known chip", cost=1.0)


def embedded_names(case: CavalryCase) -> Iterator[Hit]:
    """`context["source"]`, the facts of the ONNX that was compiled, says which names to look for."""
    source = case.context.get("source")
    if kind(case.head, case.artifact) != "binary" or source is None:
        return
    for tensor in (*source.inputs, *source.outputs):
        if tensor.name.encode() not in case.head:
            yield Hit(f"{tensor.name} is not in it", cost=0.5)


def tflite(case: CavalryCase) -> Iterator[Hit]:
    if kind(case.head, case.artifact) == "tflite":
        yield Hit("this file is TFLite", cost=0.5)


def placement(case: CavalryCase) -> dict[str, Json]:
    """What can be told without Ambarella's compiler."""
    if case.model is None:
        return {"device": case.target.devices[0], "estimated": True, "chip": chip_of(case.head)}
    graph = case.model.graph
    return {
        "device": case.target.devices[0],
        "estimated": True,
        "note": "Where operators run, Ambarella's compiler decides; it takes the whole graph or stops.",
        "operator_counts": dict(Counter(n.label for n in graph.nodes).most_common()),
        "macs": {"total": graph_macs(graph)},
    }


CHECKS = {
    "CV-001": one_file,
    "CV-002": static,
    "CV-003": opset,
    "CV-004": planar,
    "CV-005": pitch,
    "CV-006": quantized,
    "CV-007": names,
    "CV-010": chip,
    "CV-011": embedded_names,
    "CV-013": tflite,
}


def hits(code: str, case: CavalryCase) -> Iterable[Hit]:
    return CHECKS[code](case) if code in CHECKS else ()
