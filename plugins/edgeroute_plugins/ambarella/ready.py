"""The work behind `cvflow-ready`: what Axis' guides ask of an ONNX file before it is parsed. Computes what it computed before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from onnx import version_converter

from edgeroute.types import Facts, Finding, Json, Severity
from edgeroute_plugins.ambarella.options import ReadyOptions
from edgeroute_plugins.ambarella.preflight import OPSETS, SEPARATORS

ESCAPED = str.maketrans(dict.fromkeys(SEPARATORS, "_"))


def run(source: Path, out: Path, options: ReadyOptions) -> Facts:
    """Write `source` to `out` as one file, with plain border names, in an opset of 13 to 17 where onnx can convert it."""
    model = onnx.load(str(source))
    notes: dict[str, Json] = {}
    renamed = rename(model)
    notes |= {"renamed": renamed} if renamed else {}
    model, findings = older(model, options.opset)
    onnx.save(model, str(out), save_as_external_data=False)
    return Facts(notes=notes | {"opset": opset_of(model)}, findings=tuple(findings))


def opset_of(model: Any) -> int:
    """The version of the default operator set."""
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)


def older(model: Any, wanted: int) -> tuple[Any, list[Finding]]:
    """The model in the wanted opset, where its own lies outside what the guides use; as it is where onnx cannot convert it."""
    opset = opset_of(model)
    if not wanted or opset in OPSETS:
        return model, []
    try:
        converted = version_converter.convert_version(model, wanted)
        onnx.checker.check_model(converted)
    except Exception as error:  # onnx raises its own types, RuntimeError among them, one per adapter
        reason = " ".join(str(error).split())[:200]
        return model, [
            Finding(
                "cvflow-opset",
                Severity.WARNING,
                f"opset {opset} could not be converted to {wanted}: {reason}",
                f"export the model again with opset {wanted}; the parser may refuse this one",
                cost=0.4,
            )
        ]
    return converted, []


def rename(model: Any) -> dict[str, str]:
    """Give inputs and outputs names without separators, in place; old → new."""
    graph = model.graph
    taken = {name for node in graph.node for name in (*node.input, *node.output)} | {i.name for i in graph.initializer}
    renamed: dict[str, str] = {}
    for value in (*graph.input, *graph.output):
        if set(value.name) & set(SEPARATORS):
            renamed[value.name] = _free(value.name.translate(ESCAPED), taken)
    for old, new in renamed.items():
        _rename_in(graph, old, new)
    return renamed


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _rename_in(graph: Any, old: str, new: str) -> None:
    """Everywhere the tensor is named, in subgraphs too: they see the names around them."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = new if value.name == old else value.name
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _rename_in(inner, old, new)
