"""A plugin of throw-away formats whose converters succeed, fail and lie in every way: what a stranger's inline file looks like.

A toy model is a JSON file `{"kind": "toy-a", "factor": 2.0}` that multiplies its input [1, 4] by the factor.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeroute.types import (
    Calibration,
    Converter,
    Cost,
    Environment,
    Facts,
    Finding,
    Format,
    Recognition,
    Runner,
    Severity,
    Symptom,
    Target,
    Tensor,
    ValidationReport,
    option,
)

HERE = __name__
LADDER = ("toy-a", "toy-b", "toy-c")


@dataclass(frozen=True)
class Options:
    mood: str = option("good", "how the converter behaves")
    samples: Calibration | None = option(None, "what it calibrates with", fill="calibration")
    memo: Path | None = option(None, "where every run leaves a mark", fill="memo")


@dataclass(frozen=True)
class Off(Options):
    mood: str = option("slightly_off", "how the converter behaves")


@dataclass(frozen=True)
class Noisy(Options):
    mood: str = option("wrong_numbers", "how the converter behaves")


def edgeroute_formats() -> list[Format]:
    return [Format(name, name, ".toy", static=True) for name in LADDER]


def edgeroute_environments() -> list[Environment]:
    return [Environment("runtime", ("numpy",))]


SYMPTOMS = (Symptom(r"cannot do (\w+) at ([\w/]+)", "toy-operator", "operator {0} at {1} is not supported", "rewrite {0}"),)


def edgeroute_converters() -> list[Converter]:
    pairs = [("toy-a", "toy-b"), ("toy-b", "toy-c")]
    first = [Converter(f"first-{s[-1]}{t[-1]}", s, t, f"{HERE}:run", Options, cost=Cost(0.1), symptoms=SYMPTOMS) for s, t in pairs]
    second = [Converter(f"second-{s[-1]}{t[-1]}", s, t, f"{HERE}:run", Options, cost=Cost(0.2)) for s, t in pairs]
    return first + second


def edgeroute_targets() -> list[Target]:
    return [Target("toy-device", "a toy", ("toy-c",)), Target("strict-device", "a strict toy", ("toy-c",))]


def edgeroute_runners() -> list[Runner]:
    return [Runner("toy", LADDER, f"{HERE}:load", part=f"{HERE}:part")]


def edgeroute_recognize(path: Path) -> Recognition | None:
    try:
        kind = json.loads(path.read_text())["kind"]
    except (OSError, ValueError, KeyError, TypeError, UnicodeDecodeError):
        return None
    tensor = Tensor("x", (1, 4), "float32")
    return Recognition(kind, Facts((tensor,), (Tensor("y", (1, 4), "float32"),))) if kind in LADDER else None


def edgeroute_check(artifact: Any, target: Target, context: Any) -> ValidationReport | None:
    if target.name != "strict-device" or json.loads(artifact.path.read_text()).get("polished"):
        return None
    finding = Finding("TOY-001", Severity.ERROR, "the file is not polished", "polish it: --avoid first-bc", artifact.path.name)
    return ValidationReport(target.name, artifact.path, artifact.format, (finding,))


def run(source: Path, out: Path, options: Options) -> Facts:
    """One edge; a step of the ladder up, in the mood that the options name."""
    model = json.loads(source.read_text())
    model["kind"] = LADDER[LADDER.index(model["kind"]) + 1]
    if options.samples is not None:
        print("samples:", options.samples.count, options.samples.array(0).shape)
    if options.memo is not None:
        with (options.memo / "visits").open("a") as file:
            file.write(f"{options.mood} ")
    return MOODS[options.mood](model, source, out) or Facts()


def good(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps(model))


def polished(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps({**model, "polished": True}))


def reads_code(model: Any, source: Path, out: Path) -> Facts:
    code = Path(model["code"])
    out.write_text(json.dumps(model))
    return Facts(notes={"code_read": {str(code): hashlib.sha256(code.read_bytes()).hexdigest()}})


def advises(model: Any, source: Path, out: Path) -> Facts:
    """Does well, and knows what could be better yet."""
    good(model, source, out)
    return Facts(notes={"also": [{"mood": "polished"}, {"frobnicate": 1}, "nonsense"]})


def exits(model: Any, source: Path, out: Path) -> None:
    sys.exit(3)


def says_goodbye(model: Any, source: Path, out: Path) -> None:
    os._exit(0)


def crashes(model: Any, source: Path, out: Path) -> None:
    ctypes.string_at(0)


def hangs(model: Any, source: Path, out: Path) -> None:
    time.sleep(600)


def gluttonous(model: Any, source: Path, out: Path) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1 << 20) * 32))
        time.sleep(0.01)


def silent(model: Any, source: Path, out: Path) -> None:
    """Exit 0, no file."""


def garbage(model: Any, source: Path, out: Path) -> None:
    out.write_bytes(b"\x00garbage")


def wrong_kind(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps({**model, "kind": "toy-a"}))


def wrong_numbers(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps({**model, "factor": model["factor"] * 1.667}))


def slightly_off(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps({**model, "factor": model["factor"] * 1.00005}))


def dead(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps({**model, "factor": 0.0}))


def unloadable(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps({**model, "factor": None}))


def overwrites(model: Any, source: Path, out: Path) -> None:
    good(model, source, out)
    source.write_text("ruined")


def raises(model: Any, source: Path, out: Path) -> None:
    raise RuntimeError("cannot do Foo at /head/Foo_1")


def chokes(model: Any, source: Path, out: Path) -> None:
    if "bad" in model["operators"]:
        raise RuntimeError("cannot do bad at /head/bad_1")
    raise ValueError("another failure altogether")


def counts(model: Any, source: Path, out: Path) -> None:
    raise RuntimeError(f"it was given {len(json.loads(source.read_text()))} things")


def varies(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps({**model, "made": time.time_ns()}))


def reaches_out(model: Any, source: Path, out: Path) -> None:
    """A tool that knows where the user keeps his model."""
    good(model, source, out)
    Path(model["home"]).write_text("ruined")


def reaches_out_and_fails(model: Any, source: Path, out: Path) -> None:
    Path(model["home"]).write_text("ruined")
    raise RuntimeError("and now it fails")


def ruins_what_was_before(model: Any, source: Path, out: Path) -> None:
    """A tool that finds the files of other steps, and fails."""
    for other in (out.parents[3] / "steps").glob("*/out/*.toy"):
        other.write_text(json.dumps({**json.loads(other.read_text()), "factor": 9.0}))
    raise RuntimeError("and now it fails")


def truncated(model: Any, source: Path, out: Path) -> None:
    out.write_text(json.dumps(model)[:-9])


def empty(model: Any, source: Path, out: Path) -> None:
    out.write_bytes(b"")


def a_folder(model: Any, source: Path, out: Path) -> None:
    out.mkdir()


def a_link_home(model: Any, source: Path, out: Path) -> None:
    """Its output is the input, by another name."""
    out.symlink_to(source)


def elsewhere(model: Any, source: Path, out: Path) -> None:
    """It works where it likes, and writes there."""
    os.chdir("/")
    Path(os.environ["TMPDIR"], "model.toy").write_text(json.dumps(model))


def exits_with_success(model: Any, source: Path, out: Path) -> None:
    sys.exit(0)


def talks(model: Any, source: Path, out: Path) -> None:
    """Thirty megabytes on both streams, some of it no text."""
    for _ in range(300):
        sys.stdout.write("I am working \r" * 4000)
        os.write(2, b"\xff\xfe\x00" * 16000)
    good(model, source, out)


def leaves_a_child(model: Any, source: Path, out: Path) -> None:
    """A child in a session of its own that goes on to spoil the output."""
    good(model, source, out)
    code = f"import time, pathlib; time.sleep(1.0); pathlib.Path({str(out)!r}).write_text('ruined'); time.sleep(60)"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def deletes_its_source(model: Any, source: Path, out: Path) -> None:
    good(model, source, out)
    source.unlink()


MOODS = {
    f.__name__: f
    for f in (
        good,
        polished,
        reads_code,
        exits,
        says_goodbye,
        crashes,
        hangs,
        gluttonous,
        silent,
        garbage,
        wrong_kind,
        wrong_numbers,
        advises,
        slightly_off,
        dead,
        unloadable,
        overwrites,
        raises,
        chokes,
        counts,
        varies,
        reaches_out,
        reaches_out_and_fails,
        ruins_what_was_before,
        truncated,
        empty,
        a_folder,
        a_link_home,
        elsewhere,
        exits_with_success,
        talks,
        leaves_a_child,
        deletes_its_source,
    )
}


def part(model: Path, out: Path, keep: Sequence[int]) -> list[str]:
    value = json.loads(model.read_text())
    operators = value.get("operators", [])
    if keep:
        out.write_text(json.dumps({**value, "operators": [operators[i] for i in keep]}))
    return list(operators)


def stamp(model: Path, out: Path, text: str) -> None:
    out.write_text(json.dumps({**json.loads(model.read_text()), "origin": text}))


def unstamp(model: Path, out: Path) -> str:
    value = json.loads(model.read_text())
    text: str = value.pop("origin", "")
    out.write_text(json.dumps(value))
    return text


def changes_numbers(model: Path, out: Path, text: str) -> None:
    out.write_text(json.dumps({**json.loads(model.read_text()), "origin": text, "factor": 2.0000001}))


def loses_bytes(model: Path, out: Path, text: str) -> None:
    out.write_text(json.dumps({"kind": "toy-c", "factor": 2.0, "origin": text, "extra": 1}))


def raises_stamp(model: Path, out: Path, text: str) -> None:
    raise ValueError("no room")


class ToySession:
    """Multiplies by the model's factor."""

    inputs: Sequence[Tensor] = (Tensor("x", (1, 4), "float32"),)
    outputs: Sequence[Tensor] = (Tensor("y", (1, 4), "float32"),)

    def __init__(self, factor: float) -> None:
        self._factor = float(factor)

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        return [arrays[0] * self._factor]


def load(model: Path) -> ToySession:
    return ToySession(json.loads(Path(model).read_text())["factor"])
