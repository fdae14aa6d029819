"""A request as the command line that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgeroute.runner.request import Request
from edgeroute.types import Limits, Preprocess

SWITCHES = ("allow_degraded", "trust_pickle", "require_complete", "check_determinism", "attribution")
TEXTS = {
    "out": "--out", "calibrate": "--calibrate", "metric": "--metric", "model_factory": "--model", "signature": "--signature",
    "c_header": "--c-header",
}  # fmt: skip


def command_of(source: Path, target: str, request: Request, via: Sequence[str] = ()) -> str:
    """What to type to have the same again; with `via` the route is pinned to what was taken in the end."""
    return shlex.join(["edgeroute", "convert", str(source), "--to", target, *_words(request, via or request.via)])


def _words(request: Request, via: Sequence[str]) -> Iterator[str]:
    for name, flag in TEXTS.items():
        if value := getattr(request, name):
            yield from (flag, str(value))
    yield from preprocess_words(request.preprocess)
    for name, shape in request.input_shapes.items():
        yield from ("--input-shape", f"{name}:{','.join(map(str, shape))}" if name else ",".join(map(str, shape)))
    if via:
        yield from ("--via", ",".join(via))
    if request.avoid:
        yield from ("--avoid", ",".join(request.avoid))
    for converter, options in request.options.items():
        for option, value in options.items():
            yield from ("--set", f"{converter}.{option}={_text(value)}")
    for name, number in request.thresholds.items():
        yield from ("--threshold", f"{name}={number:g}")
    for name, value in request.runtime.items():
        yield from ("--runtime", value if name == "profile" else f"{name}={value}")
    yield from _numbers(request)
    yield from (f"--{name.replace('_', '-')}" for name in SWITCHES if getattr(request, name))


def _numbers(request: Request) -> Iterator[str]:
    usual = Limits()
    if request.effort != Request.effort:
        yield from ("--effort", request.effort)
    if request.limits.seconds != usual.seconds:
        yield from ("--time-limit", f"{request.limits.seconds:g}")
    if request.limits.megabytes != usual.megabytes:
        yield from ("--memory-limit", str(request.limits.megabytes))
    if request.bisect:
        yield from ("--bisect", f"{request.bisect:g}")


def preprocess_words(preprocess: Preprocess) -> Iterator[str]:
    """Nothing where the user said nothing. Numbers in full, so that they come back as they were."""
    if not preprocess.known:
        return
    yield f"--scale={preprocess.scale!r}"
    yield f"--mean={','.join(map(repr, preprocess.mean))}"
    yield f"--std={','.join(map(repr, preprocess.std))}"
    yield from ("--color", preprocess.color, "--resize", preprocess.resize)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
