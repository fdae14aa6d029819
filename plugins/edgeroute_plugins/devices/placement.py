"""Where operators and MACs run, as plain data for reports."""

from __future__ import annotations

from collections import Counter
from typing import Any

from edgeroute.types import Json
from edgeroute_plugins.devices.cases import Case, Judgement
from edgeroute_plugins.devices.edgetpu_package import Package
from edgeroute_plugins.devices.graph import INT8
from edgeroute_plugins.devices.judge import ACCELERATOR, leaving
from edgeroute_plugins.devices.rules_artpec7 import limits, parameter_bytes
from edgeroute_plugins.devices.rules_artpec8 import limit, partitions
from edgeroute_plugins.devices.rules_input import error_of, images, training


def placement(case: Case) -> dict[str, Json]:
    """Operators with their place and reasons, and sums of it."""
    graph = case.graph
    counts = Counter(j.place for j in case.judgements)
    macs: Counter[str] = Counter()
    for judgement in case.judgements:
        macs[judgement.place] += judgement.node.macs
    compiled = case.phase == "after-compile"
    return {
        "device": case.target.devices[0] if case.target.devices else "",
        "estimated": not compiled,
        "counts": {place: counts[place] for place in ("accelerator", "cpu", "refused")},
        "macs": {**{place: macs[place] for place in ("accelerator", "cpu", "refused")}, "total": graph.macs},
        "share": None if compiled else graph.share(tuple(j.node for j in case.judgements if j.place == ACCELERATOR)),
        "parameters": {"bytes": parameter_bytes(graph)},
        "scales": _scales(case),
        "inputs": _inputs(case),
        **_of_target(case),
        "operators": [_operator(j) for j in case.judgements],
    }


def _operator(judgement: Judgement) -> dict[str, Json]:
    node = judgement.node
    return {
        "index": node.index,
        "name": node.operator.label,
        "output": node.y.name if node.y is not None else "",
        "place": judgement.place,
        "reasons": [{"code": code, "what": what} for code, what in judgement.reasons],
        "macs": node.macs,
        "certainty": judgement.certainty,
        "after": sorted(set(node.graph.flow.before(node.index))),
    }


def _scales(case: Case) -> dict[str, Json]:
    """How many quantized tensors have one scale, and how many several."""
    tensors = [t for t in case.graph.main.tensors if t.scale]
    several = sum(t.is_per_channel for t in tensors)
    return {"per_tensor": len(tensors) - several, "per_channel": several}


def _inputs(case: Case) -> list[Json]:
    """Pixel identity per image input: `max_error` is None where the training normalisation is not known."""
    preprocess = training(case.context)
    rows: list[Json] = []
    for tensor in images(case):
        error = error_of(tensor, preprocess) if preprocess is not None and tensor.scale and tensor.dtype in INT8 else None
        row: dict[str, Any] = {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape)}
        rows.append(row | {"scale": list(tensor.scale), "zero_point": list(tensor.zero_point), "max_error": error})
    return rows


def _of_target(case: Case) -> dict[str, Json]:
    if case.target.name == "artpec8":
        optimistic, pessimistic = partitions(case.judgements)
        return {"partitions": {"optimistic": optimistic, "pessimistic": pessimistic, "limit": int(limit("partitions"))}}
    if case.target.name == "artpec7":
        return _compiled(case) if case.phase == "after-compile" else _cut(case)
    return {}


def _cut(case: Case) -> dict[str, Json]:
    """The operator that ends the Edge TPU part; `index` is None where nothing does."""
    mapped = [j for j in case.judgements if j.place == ACCELERATOR]
    left = leaving(case.judgements)
    size, cache = parameter_bytes(case.graph), limits()["cache_bytes"]
    return {
        "cut": {
            "index": left[0].node.index if left else None,
            "operator": left[0].node.operator.label if left else "",
            "mapped": len(mapped),
            "in_front": len(case.judgements) - len(mapped) - len(left),
            "left": len(left),
        },
        "parameters": {"bytes": size, "cache_bytes": cache, "cached_bytes": min(size, cache), "streamed_bytes": max(0, size - cache)},
    }


def _compiled(case: Case) -> dict[str, Json]:
    found = [p for p in case.packages if isinstance(p, Package)]
    cached, streamed = sum(p.cached_bytes for p in found), sum(p.streamed_bytes for p in found)
    return {
        "packages": [
            {"min_runtime": p.min_runtime, "compiler": p.compiler, "cached_bytes": p.cached_bytes, "streamed_bytes": p.streamed_bytes}
            for p in found
        ],
        "parameters": {
            "bytes": cached + streamed,
            "cache_bytes": limits()["cache_bytes"],
            "cached_bytes": cached,
            "streamed_bytes": streamed,
        },
    }
