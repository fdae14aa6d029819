"""Whether a prepared graph still computes what it did: outputs in onnxruntime, before against after, in dB."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime

from edgeroute.errors import ConverterFailed
from edgeroute_plugins.prepare.graph import Array
from edgeroute_plugins.prepare.statistics import session

EXACT_DB = 80.0
"""Below this (one part in ten thousand) more than float32 rounding has happened. Healthy preparations stay above 110 dB."""
SQUASHING = frozenset({"Sigmoid", "Softmax", "LogSoftmax"})
"""Final operators behind which small outputs drown in rounding: compared in front of them."""


def fidelity(
    before: onnx.ModelProto,
    after: onnx.ModelProto,
    feeds: Sequence[Mapping[str, Array]],
    others: Sequence[Mapping[str, Array]] | None = None,
) -> dict[str, float]:
    """Output name → signal to error in dB over all feeds, in front of a final squashing operator that both graphs have.

    `others` are what the second graph is fed with, where that differs.
    """
    pairs = [_comparable(before, after, o.name) for o in before.graph.output]
    left, right = _exposing(before, [p[0] for p in pairs]), _exposing(after, [p[1] for p in pairs])
    signal, error = np.zeros(len(pairs)), np.zeros(len(pairs))
    for feed, other in zip(feeds, feeds if others is None else others, strict=True):
        wanted = left.run([p[0] for p in pairs], dict(feed))
        got = right.run([p[1] for p in pairs], dict(other))
        for i, (a, b) in enumerate(zip(wanted, got, strict=True)):
            reference = a.astype(np.float64)
            finite = np.isfinite(reference)
            signal[i] += (reference[finite] ** 2).sum()
            error[i] += ((reference[finite] - b.astype(np.float64)[finite]) ** 2).sum()
    names = [o.name for o in before.graph.output]
    return {n: round(10 * math.log10(max(s, 1e-30) / max(e, 1e-30)), 1) for n, s, e in zip(names, signal, error, strict=True)}


def require_exact(found: Mapping[str, float], step: str, least: float = EXACT_DB) -> None:
    """Raise ConverterFailed when an output moved further than rounding explains."""
    broken = {n: db for n, db in found.items() if db < least}
    if broken:
        worst = min(broken, key=lambda n: broken[n])
        remedy = f"leave it out: --avoid {step}; and report the model, because {step} must not change what a network computes"
        raise ConverterFailed(
            f"{step} changed output {worst}: {broken[worst]} dB, at least {least} expected", remedy=remedy, code="preparation-inexact"
        )


def made_up(model: onnx.ModelProto, count: int = 3, seed: int = 0) -> list[dict[str, Array]]:
    """Feeds of normal noise in three strengths, for graphs without calibration data; integers are zeros."""
    random = np.random.default_rng(seed)
    constants = {i.name for i in model.graph.initializer}
    feeds = []
    for index in range(count):
        feed: dict[str, Array] = {}
        for value in model.graph.input:
            if value.name in constants:
                continue
            kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            shape = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
            noise = random.normal(size=shape) * 4.0 ** (index - 1)
            feed[value.name] = noise.astype(kind) if np.issubdtype(kind, np.floating) else np.zeros(shape, kind)
        feeds.append(feed)
    return feeds


def _comparable(before: onnx.ModelProto, after: onnx.ModelProto, name: str) -> tuple[str, str]:
    left, right = _producer(before, name), _producer(after, name)
    if left is not None and right is not None and left.op_type == right.op_type and left.op_type in SQUASHING:
        return left.input[0], right.input[0]
    return name, name


def _producer(model: onnx.ModelProto, name: str) -> onnx.NodeProto | None:
    return next((n for n in model.graph.node if name in n.output), None)


def _exposing(model: onnx.ModelProto, names: Sequence[str]) -> onnxruntime.InferenceSession:
    """A session whose outputs include inner tensors."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    present = {o.name for o in model.graph.output} | {i.name for i in model.graph.input}
    copy.graph.output.extend(onnx.ValueInfoProto(name=n) for n in dict.fromkeys(names) if n not in present)
    return session(copy)
